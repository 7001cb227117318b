namespace Cortex.Queues.Blobs;

/// <summary>
/// Keeps the last of a disk from being written: the database and the server's log need it. What is being written counts as it grows, so that an upload
/// that is only announced keeps nobody out. Thread-safe.
/// </summary>
/// <param name="folder">A folder of the disk.</param>
internal sealed class DiskRoom(string folder)
{
    private const int Step = 1024 * 1024;

    // Granted and perhaps not written yet; what is written shows in the file system's own count.
    private long _granted;

    /// <summary>Begins to write something.</summary>
    /// <param name="what">What, for messages.</param>
    /// <param name="reserve">Bytes that must stay free.</param>
    /// <param name="expected">How large it becomes; null when that is unknown.</param>
    /// <exception cref="StoreFullException">There is no room for it even now.</exception>
    public Growth Begin(string what, long reserve, long? expected)
    {
        if (expected > 0 && Free() - Volatile.Read(ref _granted) - expected < reserve)
        {
            throw Full(what, reserve);
        }

        return new Growth(this, what, reserve);
    }

    private long Free() => new DriveInfo(folder).AvailableFreeSpace;

    private StoreFullException Full(string what, long reserve) =>
        new($"can't write {what}: the disk of {folder} is full but for {reserve} bytes that are kept (queue.disk_reserve)");

    /// <summary>One thing that is being written. For one thread at a time.</summary>
    internal sealed class Growth(DiskRoom room, string what, long reserve) : IDisposable
    {
        private long _left;
        private long _written;

        /// <summary>Asks for room before bytes are written.</summary>
        /// <exception cref="StoreFullException">There is none.</exception>
        public void Take(int bytes)
        {
            if (_left < bytes)
            {
                Release();
                var granted = Interlocked.Add(ref room._granted, Math.Max(Step, bytes));
                _left = Math.Max(Step, bytes);
                if (reserve > 0 && room.Free() - granted < reserve)
                {
                    throw room.Full(what, reserve);
                }
            }

            _left -= bytes;
            _written += bytes;
        }

        public void Dispose() => Release();

        // What was written of it shows in the file system's count, what was not is not needed.
        private void Release()
        {
            Interlocked.Add(ref room._granted, -(_left + _written));
            (_left, _written) = (0, 0);
        }
    }
}
