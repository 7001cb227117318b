using Cortex.Cli.Tests.Support;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Commands;

public sealed class SplitterCommandTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public SplitterCommandTests() => _cli.Configure("prod");

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Get_Canary_ShowsTheWeightsOfNowAndHowFarItIs()
    {
        Answer("/get/split", Apis.Detailed("split", ApiKind.TrafficSplitter) with { Splitter = Status(Progressing()) });
        Answer("/get/a", Apis.Detailed("a"));
        Answer("/get/b", Apis.Detailed("b"));

        var result = await _cli.RunAsync("get", "split");

        Assert.StartsWith("""
            env    apis         weights   live   up-to-date   last update
            prod   a            95        1/1    1            1m2s
            prod   b (shadow)   20        1/1    1            1m2s

            canary: step 2 of 4, 5% to c, for 30s
              in this step: 40 requests, 1 failed, 2 over max_p99
              the step needs 100 requests to c and has seen 40

            last updated: 1m2s
            endpoint: http://127.0.0.1:8889/split

            api id
            """, result.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("waiting", 0, 0, "waiting, 0% to c")]
    [InlineData("progressing", 1, 1, "step 1 of 4, 1% to c")]
    [InlineData("promoted", 4, 100, "promoted, 100% to c")]
    [InlineData("rolled_back", 3, 0, "went back from step 3 of 4, 0% to c")]
    public async Task Get_List_SaysHowFarCanariesAre(string status, int step, int weight, string expected)
    {
        Answer("/get", Apis.Listed("split", ApiKind.TrafficSplitter) with { Splitter = Status(Progressing() with { Status = status, Step = step, Weight = weight }) });

        var result = await _cli.RunAsync("get", "-e", "prod");

        Assert.Contains($"split              2 (canary: {expected})", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Describe_Splitter_ShowsWhatItsTargetsGot()
    {
        var back = new CanaryStatus { To = "c", Status = "rolled_back", Weight = 0, Step = 2, Steps = 4, Since = Apis.Now - 3700, Message = "3 of 40 requests to c failed; max_error_rate is 0.01" };
        Answer("/describe/split", new ApiResponse { Metadata = Apis.Listed("split", ApiKind.TrafficSplitter).Metadata, Endpoint = "http://127.0.0.1:8889/split", Splitter = Status(back) });

        var result = await _cli.RunAsync("describe", "split");

        Assert.Equal("""
            env    traffic splitter   apis                                              last update
            prod   split              2 (canary: went back from step 2 of 4, 0% to c)   1m2s

            endpoint: http://127.0.0.1:8889/split

            apis         weights   requests   errors   copies dropped
            a            95        1000       3        -
            b (shadow)   20        200        0        7

            canary: went back from step 2 of 4, 0% to c, for 1h1m
              3 of 40 requests to c failed; max_error_rate is 0.01

            """, result.Out);
    }

    [Fact]
    public async Task Get_Verbose_DumpsStickyAndCanary()
    {
        var spec = Apis.Spec("split", ApiKind.TrafficSplitter) with
        {
            Sticky = new StickySpec { Cookie = "session" },
            Canary = new CanarySpec { To = "a", Steps = [85, 100], MaxErrorRate = null, MaxP99 = TimeSpan.FromMilliseconds(250) },
        };
        Answer("/get/split", Apis.Detailed("split", ApiKind.TrafficSplitter) with { Spec = spec });
        Answer("/get/a", Apis.Detailed("a"));
        Answer("/get/b", Apis.Detailed("b"));

        var result = await _cli.RunAsync("get", "split", "-v");

        Assert.EndsWith("""
                shadow: true
            sticky:
              cookie: session
            canary:
              to: a
              steps: [85, 100]
              every: 5m0s
              max_error_rate: null  # no limit
              max_p99: 250ms
              min_requests: 100
            networking:
              endpoint: /split

            """, result.Out, StringComparison.Ordinal);
    }

    private static CanaryStatus Progressing() => new()
    {
        To = "c", Status = "progressing", Weight = 5, Step = 2, Steps = 4, Since = Apis.Now - 30, Requests = 40, Errors = 1, Slow = 2,
        Message = "the step needs 100 requests to c and has seen 40",
    };

    private static SplitterStatus Status(CanaryStatus? canary) => new()
    {
        Targets =
        [
            new() { Name = "a", Weight = 95, Shadow = false, Requests = 1000, Errors = 3 },
            new() { Name = "b", Weight = 20, Shadow = true, Requests = 200, Errors = 0, Dropped = 7 },
        ],
        Canary = canary,
    };

    private void Answer(string path, params ApiResponse[] apis) => _cli.Operator.On<IReadOnlyList<ApiResponse>>($"GET {path}", apis, WireJson.Contract.IReadOnlyListApiResponse);
}
