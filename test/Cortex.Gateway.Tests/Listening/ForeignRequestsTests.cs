using Cortex.Gateway.Listening;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Tests.Listening;

/// <summary>What a stranger's web page makes a browser send starts and stops nothing.</summary>
public sealed class ForeignRequestsTests
{
    private static readonly ForeignRequests Foreign = new(["cluster.example.com", "*.example.org"]);

    [Theory]
    [InlineData("localhost:8889")]
    [InlineData("127.0.0.1:8889")]
    [InlineData("[::1]:8889")]
    [InlineData("192.168.1.7")]
    [InlineData("machine:8889")]
    [InlineData("app.localhost")]
    [InlineData("localhost.")]
    [InlineData("cluster.example.com")]
    [InlineData("CLUSTER.EXAMPLE.COM:443")]
    [InlineData("deep.down.example.org")]
    [InlineData("")]   // HTTP/1.0 has none
    public void Refusal_HostOfOurs_Passes(string host) => Assert.Null(Foreign.Refusal(Request(host)));

    [Theory]
    [InlineData("evil.example")]
    [InlineData("evil.example:8889")]
    [InlineData("example.org")]
    [InlineData("cluster.example.com.evil.example")]
    [InlineData("notexample.org")]
    [InlineData("127.0.0.1.nip.io")]
    [InlineData("localhost.evil.example")]
    public void Refusal_HostOfStrangers_IsRefusedAndSaysHowToAllowIt(string host) =>
        Assert.Contains("access.allowed_hosts", Foreign.Refusal(Request(host)), StringComparison.Ordinal);

    [Theory]
    [InlineData("127.0.0.1:8889", "http://127.0.0.1:8889", true)]
    [InlineData("[::1]:8889", "http://[::1]:8889", true)]
    [InlineData("cluster.example.com", "https://cluster.example.com", true)]
    [InlineData("127.0.0.1:8889", "https://app.example.org", true)]
    [InlineData("127.0.0.1:8889", "http://127.0.0.1:3000", false)]
    [InlineData("127.0.0.1:8889", "http://localhost:8889", false)]
    [InlineData("127.0.0.1:8889", "http://evil.example", false)]
    [InlineData("127.0.0.1:8889", "null", false)]
    [InlineData("evil.example", "http://evil.example", false)]   // its name was made to lead here
    public void Refusal_Origin_MustBeOurs(string host, string origin, bool passes) =>
        Assert.Equal(passes, Foreign.Refusal(Request(host, ("Origin", origin))) is null);

    [Theory]
    [InlineData("cross-site", false)]
    [InlineData("same-site", false)]
    [InlineData("same-origin", true)]
    [InlineData("none", true)]
    public void Refusal_BrowserTellsWhereItComesFrom_IsBelieved(string site, bool passes) =>
        Assert.Equal(passes, Foreign.Refusal(Request("localhost:8889", ("Sec-Fetch-Site", site))) is null);

    [Theory]
    [InlineData("http://evil.example/page", false)]
    [InlineData("http://localhost:8889/page", true)]
    public void Refusal_OnlyRefererTold_MustBeOurs(string referer, bool passes) =>
        Assert.Equal(passes, Foreign.Refusal(Request("localhost:8889", ("Referer", referer))) is null);

    [Theory]
    [InlineData("curl/8.0", "application/x-www-form-urlencoded", true)]   // as curl sends what it is not told otherwise
    [InlineData("python-requests/2", "text/plain", true)]
    [InlineData("Mozilla/5.0", "application/json", true)]
    [InlineData("Mozilla/5.0", "application/x-www-form-urlencoded", false)]
    [InlineData("Mozilla/5.0", "Text/Plain; charset=utf-8", false)]
    [InlineData("Mozilla/5.0", "multipart/form-data; boundary=x", false)]
    public void Refusal_SimpleTypeOfABrowser_IsRefused(string agent, string type, bool passes) =>
        Assert.Equal(passes, Foreign.Refusal(Request("localhost:8889", ("User-Agent", agent), ("Content-Type", type))) is null);

    [Fact]
    public void Refusal_EveryHostAllowed_PassesAll() =>
        Assert.Null(new ForeignRequests(["*"]).Refusal(Request("evil.example", ("Origin", "http://evil.example"))));

    [Theory]
    [InlineData("POST /jobs", "403")]
    [InlineData("DELETE /jobs/1", "403")]
    [InlineData("PUT /jobs", "403")]
    [InlineData("GET /jobs", "200")]
    [InlineData("POST /api", "200")]   // a container's own matter
    public async Task Gateway_ForeignOrigin_ReachesContainersButNoHandler(string line, string status)
    {
        await using var replica = RawUpstream.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync();
        gateway.Server.Apply(new GatewayRoutes([Routes.Api("api", 1, 1, replica.Address())]) { Handlers = [Handler.Route("jobs", "/jobs", Handler.Says("handler"))] });
        foreach (var header in new[] { "Host: evil.example\r\n", "Host: localhost\r\nOrigin: http://evil.example\r\n" })
        {
            using var client = await gateway.SendAsync($"{line} HTTP/1.1\r\n{header}Content-Length: 0\r\n\r\n");
            Assert.StartsWith($"HTTP/1.1 {status} ", await client.ReadHeadAsync());
        }

        using var http2 = await RawHttp2.OpenAsync(gateway.EndPoint);
        await http2.SendAsync(RawHttp2.Request(1, line.Split(' ')[0], line.Split(' ')[1], endStream: true, ("origin", "http://evil.example")));
        Assert.Equal(int.Parse(status, System.Globalization.CultureInfo.InvariantCulture), await http2.ReadStatusAsync(1));
    }

    private static HttpRequest Request(string host, params (string Name, string Value)[] headers)
    {
        var request = new DefaultHttpContext().Request;
        request.Method = "POST";
        request.Headers.Host = host;
        foreach (var (name, value) in headers)
        {
            request.Headers[name] = value;
        }

        return request;
    }
}
