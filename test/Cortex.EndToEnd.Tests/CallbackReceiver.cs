using System.Net;
using System.Net.Sockets;

namespace Cortex.EndToEnd.Tests;

/// <summary>Takes one callback on this machine.</summary>
internal sealed class CallbackReceiver : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Task<(Dictionary<string, string> Headers, string Body)> _receiving;

    public CallbackReceiver()
    {
        using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            Url = $"http://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}/done";
        }

        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _receiving = ReceiveAsync();
    }

    public string Url { get; }

    public Task<(Dictionary<string, string> Headers, string Body)> ReceivedAsync() => _receiving.WaitAsync(TimeSpan.FromSeconds(60));

    public ValueTask DisposeAsync()
    {
        _listener.Close();
        return ValueTask.CompletedTask;
    }

    private async Task<(Dictionary<string, string> Headers, string Body)> ReceiveAsync()
    {
        var context = await _listener.GetContextAsync();
        using var reader = new StreamReader(context.Request.InputStream);
        var body = await reader.ReadToEndAsync();
        context.Response.Close();
        return (context.Request.Headers.AllKeys.ToDictionary(key => key!, key => context.Request.Headers[key]!), body);
    }
}
