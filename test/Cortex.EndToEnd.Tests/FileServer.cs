using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Cortex.EndToEnd.Tests;

/// <summary>Serves one file as a web server does, and as the one object of a bucket of S3: as much of either as reading it needs.</summary>
internal sealed class FileServer : IAsyncDisposable
{
    private const string Bucket = "data";
    private const string Key = "items/one.json";

    // The form of an object that was uploaded in parts, which is no checksum of its bytes.
    private const string Tag = "d41d8cd98f00b204e9800998ecf8427e-1";

    private readonly HttpListener _listener = new();
    private readonly byte[] _content;
    private readonly Task _serving;

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

    public static string S3Path => $"s3://{Bucket}/items";

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                await AnswerAsync(await _listener.GetContextAsync());
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                // The test is over, or the client has left.
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var isFile = context.Request.Url!.AbsolutePath == $"/{Bucket}/{Key}";
        var body = isFile ? _content : Encoding.UTF8.GetBytes(
            $"""<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated><Contents><Key>{Key}</Key><ETag>&quot;{Tag}&quot;</ETag><Size>{_content.Length}</Size></Contents></ListBucketResult>""");
        context.Response.ContentType = isFile ? "application/json" : "application/xml";
        context.Response.Headers["ETag"] = $"\"{Tag}\"";
        context.Response.ContentLength64 = body.Length;
        if (context.Request.HttpMethod != "HEAD")
        {
            await context.Response.OutputStream.WriteAsync(body);
        }

        context.Response.Close();
    }
}
