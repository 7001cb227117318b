using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Cortex.Background.Tests;

public sealed class LogWriterTests
{
    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(30);

    private readonly Sink _sink = new();

    [Fact]
    public void Add_Lines_AreWrittenInOrder()
    {
        using var queue = Open();
        for (var i = 0; i < 1000; i++)
        {
            queue.Add($"line {i}");
        }

        Assert.True(queue.Flush(_bound));
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"line {i}"), _sink.Lines);
    }

    [Fact]
    public void Add_SinkThatThrows_NeverThrowsAndGoesOnWhenItCan()
    {
        using var queue = Open();
        _sink.Error = new IOException("No space left on device");
        for (var i = 0; i < LogWriter.MaxLines + 500; i++)
        {
            queue.Add($"line {i}");
        }

        Assert.False(queue.Flush(_bound));
        Assert.InRange(queue.Dropped, 499, 501);   // one may be in the writer's hands

        _sink.Error = null;
        Assert.True(SpinWait.SpinUntil(() => queue.Dropped == 0 && queue.Flush(_bound), _bound));

        Assert.Equal("line 0", _sink.Lines.First(line => line.Length > 0));
        Assert.Matches("^(499|500|501) dropped$", _sink.Lines[^1]);
    }

    [Fact]
    public void Add_SinkThatHangs_NeverBlocks()
    {
        using var queue = Open();
        _sink.Hang();
        for (var i = 0; i < LogWriter.MaxLines * 2; i++)
        {
            queue.Add("line");
        }

        Assert.False(queue.Flush(TimeSpan.FromMilliseconds(10)));
        Assert.True(queue.Dropped >= LogWriter.MaxLines - 1);
        _sink.GoOn();
        Assert.True(queue.Flush(_bound));
        Assert.EndsWith("dropped", _sink.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Add_LongLines_HoldNoMoreThanTheBound()
    {
        using var queue = Open();
        _sink.Hang();
        for (var i = 0; i < 1000; i++)
        {
            queue.Add(new string('x', 1024 * 1024));
        }

        Assert.InRange(queue.Dropped, 1000 - (LogWriter.MaxChars / (64 * 1024)) - 1, 1000);
        _sink.GoOn();
    }

    [Fact]
    public void Dispose_LinesLeft_AreWritten()
    {
        var queue = Open();
        queue.Add("last words");

        queue.Dispose();
        queue.Add("too late");

        Assert.Equal(["last words"], _sink.Lines);
    }

    [Fact]
    public void Dispose_SinkThatFails_ReturnsAtOnce()
    {
        _sink.Error = new IOException("No space left on device");
        var queue = Open();
        queue.Add("lost");
        Assert.False(queue.Flush(_bound));

        queue.Dispose();
        queue.Dispose();
    }

    private LogWriter Open() => new(_sink.Write, dropped => $"{dropped} dropped");

    [SuppressMessage("Design", "CA1001", Justification = "Lives as long as its test.")]
    private sealed class Sink
    {
        private readonly ManualResetEventSlim _open = new(true);
        private readonly StringBuilder _text = new();

        public volatile Exception? Error;

        public IReadOnlyList<string> Lines
        {
            get
            {
                lock (_text)
                {
                    return _text.ToString().TrimEnd('\n').Split('\n');
                }
            }
        }

        public void Hang() => _open.Reset();

        public void GoOn() => _open.Set();

        public void Write(ReadOnlyMemory<byte> line)
        {
            Assert.True(_open.Wait(_bound));
            if (Error is { } error)
            {
                throw error;
            }

            lock (_text)
            {
                _text.Append(Encoding.UTF8.GetString(line.Span));
            }
        }
    }
}
