using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Cortex.EndToEnd.Tests;

/// <summary>
/// Serves one file as a web server does, and as the one object of a bucket of S3: as much of either as reading it needs. A
/// second, larger file stops in its middle until <see cref="Release"/>.
/// </summary>
internal sealed class FileServer : IAsyncDisposable
{
    /// <summary>How many items the file has that stops.</summary>
    public const int HaltingItems = 20_000;

    private const string Bucket = "data";
    private const string Key = "items/one.json";

    // The form of an object that was uploaded in parts, which is no checksum of its bytes.
    private const string Tag = "d41d8cd98f00b204e9800998ecf8427e-1";

    private readonly HttpListener _listener = new();
    private readonly byte[] _content;
    private readonly byte[] _halting = Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, HaltingItems)));
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _answers = [];
    private readonly Task _serving;
    private int _halves;

    public FileServer(string content)
    {
        _content = Encoding.UTF8.GetBytes(content);
        using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            Url = $"http://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}";
        }

        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url { get; }

    public string FileUrl => $"{Url}/{Bucket}/{Key}";

    /// <summary>The file that stops in its middle: the numbers from 0 to <see cref="HaltingItems"/>, a line each.</summary>
    public string HaltingUrl => $"{Url}/halting.json";

    /// <summary>How often the first half of the file that stops was sent.</summary>
    public int Halves => Volatile.Read(ref _halves);

    public static string S3Path => $"s3://{Bucket}/items";

    /// <summary>Sends the rest of the file that stops.</summary>
    public void Release() => _released.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        Release();
        _listener.Close();
        await _serving;
        await Task.WhenAll(_answers);
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                _answers.Add(TryAnswerAsync(await _listener.GetContextAsync()));
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }

    private async Task TryAnswerAsync(HttpListenerContext context)
    {
        try
        {
            await AnswerAsync(context);
        }
        catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
        {
            // The client has left.
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var halts = context.Request.Url!.AbsolutePath == "/halting.json";
        var isFile = halts || context.Request.Url.AbsolutePath == $"/{Bucket}/{Key}";
        var body = halts ? _halting : isFile ? _content : Encoding.UTF8.GetBytes(
            $"""<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated><Contents><Key>{Key}</Key><ETag>&quot;{Tag}&quot;</ETag><Size>{_content.Length}</Size></Contents></ListBucketResult>""");
        context.Response.ContentType = isFile ? "application/json" : "application/xml";
        context.Response.Headers["ETag"] = $"\"{Tag}\"";
        context.Response.ContentLength64 = body.Length;
        if (context.Request.HttpMethod != "HEAD")
        {
            var half = halts ? body.Length / 2 : 0;
            await context.Response.OutputStream.WriteAsync(body.AsMemory(0, half));
            if (halts)
            {
                await context.Response.OutputStream.FlushAsync();
                Interlocked.Increment(ref _halves);
                await _released.Task;
            }

            await context.Response.OutputStream.WriteAsync(body.AsMemory(half));
        }

        context.Response.Close();
    }
}
