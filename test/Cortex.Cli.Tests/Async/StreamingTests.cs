using System.Net;
using System.Text;
using Cortex.Cli.Tests.Support;

namespace Cortex.Cli.Tests.Async;

/// <summary>Counts what the process allocates, so that nothing else may run beside it.</summary>
[CollectionDefinition(nameof(StreamingTests), DisableParallelization = true)]
[Collection(nameof(StreamingTests))]
public sealed class StreamingTests : IDisposable
{
    private const string Id = FakeAsyncApi.Id;

    private readonly CliFixture _cli = new();
    private readonly FakeAsyncApi _api = new();

    public StreamingTests()
    {
        _cli.Configure("prod");
        _cli.Transport = _ => _api;
        _cli.Time = TimeProvider.System;
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Submit_LargeFile_NeverSitsInMemory()
    {
        const long Length = 512L * 1024 * 1024;
        _api.Then($$"""{"id":"{{Id}}"}""");
        using (var file = File.Create(_cli.Write("big.bin", "")))
        {
            file.SetLength(Length);
        }

        var before = GC.GetTotalAllocatedBytes();
        var result = await _cli.RunAsync("async", "submit", "texts", "big.bin");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal((Length, Length.ToString(System.Globalization.CultureInfo.InvariantCulture)), (_api.Calls[0].Length, _api.Calls[0].Headers["Content-Length"]));
        Assert.True(GC.GetTotalAllocatedBytes() - before < Length / 4, "the file was copied to memory");
    }

    [Fact]
    public async Task Get_HugeResult_NeverSitsInMemory()
    {
        const long Length = 256L * 1024 * 1024;
        _api.Then(() => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new HugeAnswer(Length)) });
        var written = 0L;
        _cli.OpenOutput = () => new CountingStream(count => written += count);

        var before = GC.GetTotalAllocatedBytes();
        var result = await _cli.RunAsync("async", "get", "texts", Id);

        Assert.Equal((0, Length + 1), (result.ExitCode, written));
        Assert.True(GC.GetTotalAllocatedBytes() - before < Length / 4, "the result was copied to memory");
    }

    // An answer with a result of this length, made while it is read.
    private sealed class HugeAnswer(long length) : Stream
    {
        private static readonly byte[] _head = Encoding.UTF8.GetBytes($$"""{"id":"{{Id}}","status":"completed","result":""");
        private static readonly byte[] _tail = ",\"timestamp\":\"t\"}\n"u8.ToArray();
        private long _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => _at; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var i = 0;
            for (; i < count && _at < _head.Length + length + _tail.Length; i++, _at++)
            {
                var inResult = _at - _head.Length;
                buffer[offset + i] = inResult < 0 ? _head[_at] : inResult >= length ? _tail[inResult - length] : inResult == 0 || inResult == length - 1 ? (byte)'"' : (byte)'x';
            }

            return i;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    private sealed class CountingStream(Action<int> wrote) : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            wrote(buffer.Length);
            return ValueTask.CompletedTask;
        }
    }
}
