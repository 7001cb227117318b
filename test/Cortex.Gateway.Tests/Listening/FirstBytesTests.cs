using System.Net;
using System.Net.Sockets;
using System.Text;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Gateway.Tests.Listening;

public sealed class FirstBytesTests
{
    private static readonly TimeSpan HeaderTimeout = TimeSpan.FromSeconds(54.321);

    [Fact]
    public async Task FirstBytes_ArriveWhileTheirTimeLimitIsBeingSet_AreServed()
    {
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var connected = new ManualResetEventSlim();
        var time = new HookedTime(HeaderTimeout, () =>
        {
            Assert.True(connected.Wait(Eventually.Limit));
            client.Send("GET /jobs HTTP/1.1\r\nHost: test\r\n\r\n"u8);
            Thread.Sleep(100);   // long enough for the bytes to be read by another thread; too short a time only proves less
        });
        await using var server = new GatewayServer(
            new GatewayOptions { HeaderTimeout = HeaderTimeout }, [new GatewayListener(new IPEndPoint(IPAddress.Loopback, 0))], NullLoggerFactory.Instance, time);
        server.Apply(new GatewayRoutes([]) { Handlers = [Handler.Route("jobs", "/jobs", Handler.Says("served"))] });
        await server.StartAsync(TestContext.Current.CancellationToken);
        client.Connect(server.EndPoints[0]);
        connected.Set();

        var buffer = new byte[4096];
        var count = await client.ReceiveAsync(buffer).WithinLimit();

        Assert.StartsWith("HTTP/1.1 200", Encoding.ASCII.GetString(buffer, 0, count));
        Assert.True(time.IsHooked);
    }

    /// <summary>The system's clock, which does something of the test's when a timer of one length is made.</summary>
    private sealed class HookedTime(TimeSpan length, Action hook) : TimeProvider
    {
        public bool IsHooked { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == length && !IsHooked)
            {
                IsHooked = true;
                hook();
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
