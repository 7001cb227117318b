using Microsoft.Extensions.Logging;

namespace Cortex.Queues.Sqlite;

/// <summary>
/// A file that only takes room. When the disk is full it goes, and results of work that is done can still be written
/// for a while; new messages are refused until there is room to make it again.
/// </summary>
internal sealed class DiskReserve(string path, long bytes, ILogger logger)
{
    private readonly string _file = path + "-reserve";

    /// <summary>It was given up, because the disk was full.</summary>
    public bool IsReleased { get; private set; }

    /// <summary>Makes the file at the start. Without it the store works, but not on a full disk.</summary>
    public void Make()
    {
        try
        {
            if (!File.Exists(_file) || new FileInfo(_file).Length != bytes)
            {
                Allocate();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            logger.NoReserve(bytes, path, exception.Message);
        }
    }

    /// <summary>Gives the room free. False when it was free already.</summary>
    public bool Release()
    {
        if (IsReleased)
        {
            return false;
        }

        IsReleased = true;
        logger.Full(path);
        File.Delete(_file);
        return true;
    }

    /// <summary>Takes the room again. False while there is not twice as much.</summary>
    public bool TryRestore()
    {
        try
        {
            if (FreeBytes() < 2 * bytes)
            {
                return false;
            }

            Allocate();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }

        IsReleased = false;
        logger.RoomAgain(path);
        return true;
    }

    /// <summary>Room on the disk.</summary>
    public long FreeBytes() => new DriveInfo(Path.GetDirectoryName(Path.GetFullPath(path))!).AvailableFreeSpace;

    private void Allocate()
    {
        File.Delete(_file);
        try
        {
            // Preallocation takes the blocks; a length alone would leave a hole.
            using var file = new FileStream(_file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, PreallocationSize = bytes });
            file.SetLength(bytes);
        }
        catch (IOException)
        {
            File.Delete(_file);
            throw;
        }
    }
}
