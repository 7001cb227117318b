using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Cortex.Gateway.Replicas;

namespace Cortex.Gateway.Tests.Support;

/// <summary>
/// A client's connection as a test of HTTP/1.1 writes and reads it, but the requests go over HTTP/2: their text is taken apart, and the
/// answer is written as HTTP/1.1 would have it, with its body as it comes. One request at a time.
/// </summary>
internal sealed class Http2ClientStream : Stream
{
    private readonly HttpClient _client;
    private readonly StringBuilder _head = new();
    private Exchange? _exchange;
    private byte[] _answerHead = [];
    private Stream? _body;

    public Http2ClientStream(IPEndPoint endPoint) => _client = new HttpClient(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
    })
    {
        BaseAddress = new Uri($"http://{endPoint}"),
        Timeout = Eventually.Limit,
    };

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Breaks the request off.</summary>
    public void Reset() => _exchange?.Leave.Cancel();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_exchange is { IsSent: false })
        {
            await _exchange.SendAsync(buffer);
            return;
        }

        var text = _head.Append(Encoding.Latin1.GetString(buffer.Span)).ToString();
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
        {
            return;
        }

        _head.Clear();
        (_body, _answerHead) = (null, []);
        _exchange = new Exchange(_client, text[..end]);
        await _exchange.SendAsync(Encoding.Latin1.GetBytes(text[(end + 4)..]));
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var exchange = _exchange ?? throw new InvalidOperationException("no request was sent");
        try
        {
            if (_body is null)
            {
                var answer = await exchange.Answer;
                _body = await answer.Content.ReadAsStreamAsync(cancellationToken);
                _answerHead = Encoding.Latin1.GetBytes(HeadOf(answer));
            }

            if (_answerHead.Length > 0)
            {
                var count = Math.Min(buffer.Length, _answerHead.Length);
                _answerHead.AsSpan(0, count).CopyTo(buffer.Span);
                _answerHead = _answerHead[count..];
                return count;
            }

            return await _body.ReadAsync(buffer, exchange.Leave.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            throw new IOException(e.Message, e);
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        Reset();
        _client.Dispose();
        base.Dispose(disposing);
    }

    private static string HeadOf(HttpResponseMessage answer)
    {
        Assert.Equal(HttpVersion.Version20, answer.Version);
        var text = new StringBuilder($"HTTP/1.1 {(int)answer.StatusCode} {answer.ReasonPhrase}\r\n");
        foreach (var (name, values) in answer.Content.Headers.NonValidated.Concat(answer.Headers.NonValidated))
        {
            foreach (var value in values)
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
            }
        }

        return text.Append("\r\n").ToString();
    }

    /// <summary>One request on its way, and its answer.</summary>
    private sealed class Exchange
    {
        private readonly Pipe _body = new();
        private ChunkedDecoder _chunks;
        private long? _left;

        public Exchange(HttpClient client, string head)
        {
            var lines = head.Split("\r\n");
            var words = lines[0].Split(' ');
            var request = new HttpRequestMessage(
                new HttpMethod(words[0]),
                new Uri(client.BaseAddress!.GetLeftPart(UriPartial.Authority) + words[1], new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }))
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            var fields = lines[1..].Select(static line => line.Split(':', 2)).ToList();
            var isChunked = fields.Exists(static field => field[0].Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase));
            _left = fields.Find(static field => field[0].Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) is { } length
                ? long.Parse(length[1], CultureInfo.InvariantCulture) : isChunked ? null : 0;
            if (_left is null or > 0)
            {
                request.Content = new PipeContent(_body.Reader, _left);
            }

            foreach (var group in fields.GroupBy(static field => field[0], static field => field[1].Trim(), StringComparer.OrdinalIgnoreCase))
            {
                if (group.Key is not ("Content-Length" or "Transfer-Encoding" or "Connection"))
                {
                    request.Headers.TryAddWithoutValidation(group.Key, group);
                }
            }

            IsSent = request.Content is null;
            Answer = client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Leave.Token);
        }

        public CancellationTokenSource Leave { get; } = new();

        public Task<HttpResponseMessage> Answer { get; }

        /// <summary>Whether its whole body was given.</summary>
        public bool IsSent { get; private set; }

        public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
        {
            if (_left is not null)
            {
                _left -= bytes.Length;
                await _body.Writer.WriteAsync(bytes);
                IsSent = _left <= 0;
            }
            else
            {
                while (!bytes.IsEmpty && !_chunks.IsDone)
                {
                    var run = _chunks.Next(bytes.Span, out var consumed).ToArray();
                    bytes = bytes[consumed..];
                    await _body.Writer.WriteAsync(run);
                }

                IsSent = _chunks.IsDone;
            }

            if (IsSent)
            {
                await _body.Writer.CompleteAsync();
            }
        }
    }
}
