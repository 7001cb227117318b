using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>Reads what a pod's containers write, across restarts.</summary>
internal static class PodLogs
{
    /// <summary>Lines read ahead of the reader while following.</summary>
    private const int Ahead = 256;

    private static readonly TimeSpan _readOn = TimeSpan.FromSeconds(1);

    /// <summary>What has been written so far, oldest first.</summary>
    public static async IAsyncEnumerable<LogLine> ReadAsync(
        DockerEngine engine, IReadOnlyList<ContainerKeeper> containers, int? tail, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var sources = containers.Select(c => ReadOnceAsync(engine, c, new LogAssembler(c.Container.Name), false, tail, null, cancellationToken)
            .GetAsyncEnumerator(cancellationToken)).ToList();
        try
        {
            var open = new List<IAsyncEnumerator<LogLine>>();
            foreach (var source in sources)
            {
                if (await source.MoveNextAsync())
                {
                    open.Add(source);
                }
            }

            while (open.Count > 0)
            {
                var oldest = open.MinBy(s => s.Current.Timestamp)!;
                yield return oldest.Current;
                if (!await oldest.MoveNextAsync())
                {
                    open.Remove(oldest);
                }
            }
        }
        finally
        {
            foreach (var source in sources)
            {
                await source.DisposeAsync();
            }
        }
    }

    /// <summary>What was and will be written, as it comes, until no container of these will write any more.</summary>
    public static async IAsyncEnumerable<LogLine> FollowAsync(
        DockerEngine engine, DockerPod pod, IReadOnlyList<ContainerKeeper> containers, int? tail, TimeProvider time,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var lines = Channel.CreateBounded<LogLine>(Ahead);
        var readers = Task.WhenAll(containers.Select(c => FollowOneAsync(engine, pod, c, tail, time, lines.Writer, reading.Token)));
        _ = readers.ContinueWith(
            t => lines.Writer.TryComplete(t.Exception?.InnerException), CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(cancellationToken))
            {
                yield return line;
            }
        }
        finally
        {
            await reading.CancelAsync();
            await ((Task)readers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task FollowOneAsync(
        DockerEngine engine, DockerPod pod, ContainerKeeper container, int? tail, TimeProvider time, ChannelWriter<LogLine> lines, CancellationToken cancellationToken)
    {
        var assembler = new LogAssembler(container.Container.Name);
        while (true)
        {
            var nextStart = container.NextStart;
            var over = container.Over || pod.Over.IsCompleted;
            // After the first round only what is newer than what was read counts, however little was asked for at first.
            var from = assembler.Last is { } last ? last + 1 : (Int128?)null;
            await foreach (var line in ReadOnceAsync(engine, container, assembler, true, from is null ? tail : null, from, cancellationToken))
            {
                await lines.WriteAsync(line, cancellationToken);
            }

            if (over)
            {
                return;
            }

            // Its end shows here before the container is known to have ended. Should it run all the same, it is read on soon.
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var soon = Task.Delay(container.Running ? _readOn : Timeout.InfiniteTimeSpan, time, waiting.Token);
            await Task.WhenAny(nextStart, container.WhenOver, pod.Over, soon);
            await waiting.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static async IAsyncEnumerable<LogLine> ReadOnceAsync(
        DockerEngine engine, ContainerKeeper container, LogAssembler assembler, bool follow, int? tail, Int128? since,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (container.Id is not { } id)
        {
            yield break;
        }

        var frames = engine.LogsAsync(id, follow, tail, since, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (frames)
        {
            while (await NextAsync(frames))
            {
                foreach (var line in assembler.Add(frames.Current))
                {
                    yield return line;
                }
            }
        }

        foreach (var line in assembler.Rest())
        {
            yield return line;
        }
    }

    private static async ValueTask<bool> NextAsync(IAsyncEnumerator<LogFrame> frames)
    {
        try
        {
            return await frames.MoveNextAsync();
        }
        catch (EngineException error) when (error.NotFound || error.Conflict)
        {
            // The container was removed meanwhile, and its log with it.
            return false;
        }
    }
}
