using Cortex.Core.Errors;
using Cortex.Queues;
using Cortex.Queues.Blobs;

namespace Cortex.Jobs.Batch.Enqueuing;

/// <summary>Puts chunks of batches into a queue, each together with its checkpoint, exactly once.</summary>
internal sealed class BatchWriter(IQueueStore store, string queue, EnqueueOptions options, TimeProvider time)
{
    /// <summary>Writes a chunk. When it completes the chunk and its checkpoint are durable.</summary>
    /// <param name="batches">1 to 10,000.</param>
    /// <param name="checkpoint">Differs from every other of this job.</param>
    /// <param name="cancellationToken">Stops waiting; the chunk may be stored all the same.</param>
    /// <exception cref="CortexException">The store refused it for too long.</exception>
    public async Task WriteAsync(IReadOnlyList<byte[]> batches, string checkpoint, CancellationToken cancellationToken)
    {
        var messages = new NewMessage[batches.Count];
        for (var i = 0; i < messages.Length; i++)
        {
            messages[i] = new NewMessage { Id = store.NewId(), Queue = queue, Payload = Body.Of(batches[i]) };
        }

        var large = Enumerable.Range(0, messages.Length).Where(i => batches[i].Length > options.InlineLimit);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.BlobWriters, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(large, parallel, async (i, token) =>
        {
            var name = BlobNames.Payload(messages[i].Id);
            await PersistAsync(async () =>
            {
                using var content = new MemoryStream(batches[i], writable: false);
                await store.Blobs.WriteAsync(name, content, token);
            }, token);
            messages[i] = messages[i] with { Payload = Body.InBlob(name, batches[i].Length) };
        });

        var unsure = false;
        await PersistAsync(async () =>
        {
            // After a broken connection the chunk may be there already; the checkpoint, stored with it, tells.
            if (unsure && await store.ReadCheckpointAsync(queue, cancellationToken) == checkpoint)
            {
                return;
            }

            unsure = true;
            await store.EnqueueManyAsync(queue, messages, checkpoint, cancellationToken);
        }, cancellationToken);
    }

    private async Task PersistAsync(Func<Task> write, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                await write();
                return;
            }
            catch (Exception exception) when (exception is StoreBusyException or StoreFullException or StoreUnavailableException)
            {
                if (time.GetElapsedTime(began) >= options.StorePatience)
                {
                    throw new CortexException(BatchErrorKinds.Other, $"can't put batches into the queue for {options.StorePatience.TotalSeconds:0} seconds: {exception.Message}", exception);
                }

                await Task.Delay(options.StorePause, time, cancellationToken);
            }
        }
    }
}
