using System.Buffers;
using System.IO.Pipelines;

namespace Cortex.Gateway.Listening;

/// <summary>An HTTP/2 connection's bytes, of which the incoming ones are followed frame by frame.</summary>
/// <param name="inner">The connection's bytes.</param>
/// <param name="time">The clock of the budget.</param>
/// <param name="end">Ends the connection.</param>
internal sealed class MeteredTransport(IDuplexPipe inner, TimeProvider time, Action end) : IDuplexPipe
{
    private readonly FrameBudget _budget = new(time);
    private MeteredInput? _input;
    private MeteredOutput? _output;

    public PipeReader Input => _input ??= new MeteredInput(inner.Input, new FrameScanner(_budget), end);

    public PipeWriter Output => _output ??= new MeteredOutput(inner.Output, _budget);

    private sealed class MeteredInput(PipeReader inner, FrameScanner scanner, Action end) : PipeReader
    {
        private ReadOnlySequence<byte> _read;
        private long _scanned;   // of what is read, what has been scanned
        private bool _ended;

        public override bool TryRead(out ReadResult result)
        {
            if (!inner.TryRead(out result))
            {
                return false;
            }

            Scan(result);
            return true;
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var reading = inner.ReadAsync(cancellationToken);
            if (!reading.IsCompletedSuccessfully)
            {
                return AwaitAsync(reading);
            }

            var result = reading.Result;
            Scan(result);
            return ValueTask.FromResult(result);
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            _scanned -= _read.Slice(0, consumed).Length;
            _read = default;
            inner.AdvanceTo(consumed, examined);
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        private async ValueTask<ReadResult> AwaitAsync(ValueTask<ReadResult> reading)
        {
            var result = await reading;
            Scan(result);
            return result;
        }

        private void Scan(ReadResult result)
        {
            _read = result.Buffer;
            if (!_ended && !scanner.TryScan(_read.Slice(_scanned)))
            {
                _ended = true;
                end();
            }

            _scanned = _read.Length;
        }
    }

    private sealed class MeteredOutput(PipeWriter inner, FrameBudget budget) : PipeWriter
    {
        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override void Advance(int bytes)
        {
            budget.Earn(bytes);
            inner.Advance(bytes);
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
