using System.Buffers;
using System.IO.Pipelines;
using Cortex.Background;
using Microsoft.AspNetCore.Http;

namespace Cortex.Async.Endpoint;

/// <summary>Reads the body of a request in progress, within limits of time and size.</summary>
/// <remarks>
/// Waiting for the client is bounded from one piece of progress to the next: a byte now and then holds the payload's place on the disk no longer than silence does.
/// </remarks>
internal sealed class PayloadReader(PipeReader reader, long maxLength, TimeSpan idleTimeout, TimeProvider time) : IDisposable
{
    /// <summary>So many bytes are progress.</summary>
    public const int Progress = 16 * 1024;

    private TimeLimit? _idle;
    private TimeSpan _waited;   // since the last progress
    private long _progressAt;
    private long _taken;

    /// <summary>Reads until the body is whole or more than so many bytes of it are there. Nothing is consumed.</summary>
    public async ValueTask<ReadResult> PeekAsync(int atMost)
    {
        while (true)
        {
            var read = await NextAsync(CancellationToken.None);
            if (read.IsCompleted || read.Buffer.Length > atMost)
            {
                return read;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Takes some bytes; 0 at the end of the body.</summary>
    public async ValueTask<int> TakeAsync(Memory<byte> output, CancellationToken cancellationToken)
    {
        var read = await NextAsync(cancellationToken);
        var part = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, output.Length));
        var count = (int)part.Length;
        part.CopyTo(output.Span);
        reader.AdvanceTo(part.End);
        _taken += count;
        return _taken <= maxLength ? count : throw TooLarge(maxLength);
    }

    /// <summary>What is thrown when a payload is larger than it may be.</summary>
    public static PayloadException TooLarge(long maxLength) =>
        new(StatusCodes.Status413PayloadTooLarge, $"the payload is larger than {maxLength} bytes, the API's queue.max_payload");

    public void Dispose() => _idle?.Dispose();

    private async ValueTask<ReadResult> NextAsync(CancellationToken cancellationToken)
    {
        if (reader.TryRead(out var ready))
        {
            return Note(ready);
        }

        _idle ??= new TimeLimit(Timeout.InfiniteTimeSpan, time, CancellationToken.None);
        var began = time.GetTimestamp();
        _idle.Restart(_waited < idleTimeout ? idleTimeout - _waited : TimeSpan.Zero);
        using var registration = cancellationToken.UnsafeRegister(static idle => ((TimeLimit)idle!).End(), _idle);
        try
        {
            var read = await reader.ReadAsync(_idle.Token);
            _idle.Restart(Timeout.InfiniteTimeSpan);
            _waited += time.GetElapsedTime(began);
            return Note(read);
        }
        catch (OperationCanceledException) when (_idle.IsOver && !cancellationToken.IsCancellationRequested)
        {
            throw new PayloadException(
                StatusCodes.Status408RequestTimeout, $"less than {Progress} bytes of the payload arrived in {idleTimeout.TotalSeconds} seconds");
        }
    }

    private ReadResult Note(ReadResult read)
    {
        var arrived = _taken + read.Buffer.Length;
        if (arrived - _progressAt >= Progress)
        {
            (_progressAt, _waited) = (arrived, TimeSpan.Zero);
        }

        return read;
    }
}
