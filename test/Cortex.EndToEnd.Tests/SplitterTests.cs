using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

public sealed class SplitterTests(LocalCluster cluster) : IClassFixture<LocalCluster>
{
    [Fact]
    public async Task Tour_DeployCallGetDescribeDelete()
    {
        var deployed = await cluster.DeployAsync(Apis("t-old", "t-new") + Splitter("tour", "{name: t-old, weight: 75}, {name: t-new, weight: 25}"));

        Assert.Contains("created tour (TrafficSplitter)", deployed, StringComparison.Ordinal);
        var counts = await AnswersAsync("/tour", 100);
        Assert.Equal((75, 25), (counts["t-old"], counts["t-new"]));

        var one = await cluster.Cli.OkAsync("get", "tour");
        Assert.Contains($"endpoint: http://127.0.0.1:{cluster.ApiPort}/tour\n", one, StringComparison.Ordinal);
        Assert.Matches(@"t-old +75 +1/1 +1 ", one);
        Assert.Matches(@"tour +2 ", await cluster.Cli.OkAsync("get"));
        Assert.Matches(@"t-old +75 +75 +0 +-\n", await cluster.Cli.OkAsync("describe", "tour"));
        foreach (var path in new[] { "/tour/", "/tour/cgi-bin/index.cgi" })
        {
            Assert.StartsWith("t-", await cluster.CallAsync(path), StringComparison.Ordinal);
        }

        var refused = await cluster.Cli.RunAsync("delete", "t-old", "-f");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("t-old is a target of tour", refused.Error, StringComparison.Ordinal);
        await cluster.Cli.OkAsync("delete", "tour", "-f");
        using var gone = await cluster.Http.GetAsync(new Uri(cluster.Apis, "/tour"));
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        await DeleteAsync("t-old", "t-new");
    }

    [Fact]
    public async Task Weights_ChangedUnderLoad_LoseNoRequest()
    {
        await cluster.DeployAsync(Apis("w-old", "w-new") + Splitter("weights", "{name: w-old, weight: 100}"));
        await using var load = new Load(cluster, "/weights");
        await load.MoreAsync(100);

        foreach (var weight in new[] { 1, 50, 99, 20, 100 })
        {
            await cluster.DeployAsync(Splitter("weights", $"{{name: w-old, weight: {100 - weight}}}, {{name: w-new, weight: {weight}}}"));
            await load.MoreAsync(100);
        }

        await cluster.DeployAsync(Apis("w-new").Replace("APP_VERSION: \"w-new\"", "APP_VERSION: \"w-newer\"", StringComparison.Ordinal));
        await load.MoreAsync(100);
        await load.StopAsync();

        Assert.Empty(load.Failures);
        Assert.Equal(["w-new", "w-newer", "w-old"], load.Answers.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(10, (await AnswersAsync("/weights", 10))["w-newer"]);
        await DeleteAsync("weights", "w-old", "w-new");
    }

    [Fact]
    public async Task Sticky_SameCookie_StaysWithItsTargetAcrossAKillOfTheServer()
    {
        await cluster.DeployAsync(Apis("s-one", "s-two") + Splitter("sticky", "{name: s-one, weight: 50}, {name: s-two, weight: 50}", "sticky: {cookie: session}"));
        var users = Enumerable.Range(0, 20).Select(i => $"user-{i}").ToArray();
        var before = await Task.WhenAll(users.Select(user => AnswerAsync("/sticky", user)));

        await KillServerAsync();

        Assert.Equal(before, await Task.WhenAll(users.Select(user => AnswerAsync("/sticky", user))));
        Assert.Equal(2, before.Distinct().Count());
        await DeleteAsync("sticky", "s-one", "s-two");
    }

    [Fact]
    public async Task Shadow_SlowOne_IsNotFelt()
    {
        await cluster.DeployAsync(
            Apis("d-main") + LocalCluster.Api("d-dark", concurrency: 1, more: Script("sleep 2; printf 'Content-Type: text/plain\\r\\n\\r\\nlate'"))
            + Splitter("dark", "{name: d-main, weight: 100}, {name: d-dark, weight: 100, shadow: true}"));
        var watch = Stopwatch.StartNew();

        var counts = await AnswersAsync("/dark", 50);

        Assert.Equal(50, counts["d-main"]);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(50), $"50 requests took {watch.Elapsed}; a shadow that takes 2 s for each was waited for");
        await Eventually.TrueAsync(async () => (await TargetAsync("dark", "d-dark")).GetProperty("requests").GetInt64() > 0, "the shadow has answered copies");
        Assert.Equal(50, (await TargetAsync("dark", "d-main")).GetProperty("requests").GetInt64());
        await DeleteAsync("dark", "d-main", "d-dark");
    }

    [Fact]
    public async Task Canary_GoodVersion_IsPromotedUnderLoadAndAcrossAKillOfTheServer()
    {
        await cluster.DeployAsync(Apis("c-old", "c-new") + Splitter("canary", "{name: c-old, weight: 100}, {name: c-new, weight: 0}", "canary: {to: c-new, steps: [10, 50, 100], every: 1s, max_error_rate: 0.5, min_requests: 20}"));
        await using (var load = new Load(cluster, "/canary"))
        {
            await CanaryAsync("canary", canary => canary.GetProperty("step").GetInt32() >= 2, "the second step");
            await load.StopAsync();
            Assert.Empty(load.Failures);
        }

        var step = (await CanaryAsync("canary")).GetProperty("step").GetInt32();
        await KillServerAsync();
        Assert.True((await CanaryAsync("canary")).GetProperty("step").GetInt32() >= step, "the step was forgotten");
        await using (var load = new Load(cluster, "/canary"))
        {
            await CanaryAsync("canary", canary => canary.GetProperty("status").GetString() == "promoted", "the promotion");
            await load.StopAsync();
            Assert.Empty(load.Failures);
        }

        Assert.Equal(20, (await AnswersAsync("/canary", 20))["c-new"]);
        Assert.Contains("canary: promoted, 100% to c-new", await cluster.Cli.OkAsync("get", "canary"), StringComparison.Ordinal);
        await DeleteAsync("canary", "c-old", "c-new");
    }

    [Fact]
    public async Task Canary_BadVersion_GoesBackAndSaysWhy()
    {
        await cluster.DeployAsync(
            Apis("g-old") + LocalCluster.Api("g-bad", more: Script("printf 'Status: 500 Broken\\r\\n\\r\\n'"))
            + Splitter("bad", "{name: g-old, weight: 100}, {name: g-bad, weight: 0}", "canary: {to: g-bad, steps: [50, 100], every: 1h}"));
        await using var load = new Load(cluster, "/bad", clients: 2);

        var canary = await CanaryAsync("bad", canary => canary.GetProperty("status").GetString() == "rolled_back", "the way back");
        await load.StopAsync();

        Assert.Equal(0, canary.GetProperty("weight").GetInt32());
        Assert.Equal(20, (await AnswersAsync("/bad", 20))["g-old"]);
        var reason = canary.GetProperty("message").GetString()!;
        Assert.Matches(@"^\d+ of \d+ requests to g-bad failed; max_error_rate is 0.01$", reason);
        Assert.Contains(reason, await cluster.Cli.OkAsync("get", "bad"), StringComparison.Ordinal);
        Assert.Contains(reason, await cluster.Cli.OkAsync("describe", "bad"), StringComparison.Ordinal);
        Assert.Contains(reason, await File.ReadAllTextAsync(Path.Combine(cluster.DataDirectory, "server.log")), StringComparison.Ordinal);
        await DeleteAsync("bad", "g-old", "g-bad");
    }

    private static string Apis(params string[] names) => string.Concat(names.Select(name => LocalCluster.Api(name, version: name)));

    /// <summary>Lets the container answer as a script does; a JSON string is a YAML string.</summary>
    private static string Script(string script) =>
        $"command: [sh, -c, {JsonSerializer.Serialize($"cat >/www/cgi-bin/index.cgi <<'X'\n#!/bin/sh\n{script}\nX\nexec httpd -f -p 8080 -h /www")}]";

    private static string Splitter(string name, string targets, string more = "") => $"""
        - name: {name}
          kind: TrafficSplitter
          apis: [{targets}]
          {more}

        """;

    private async Task<Dictionary<string, int>> AnswersAsync(string path, int requests)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < requests; i++)
        {
            var version = (await cluster.CallAsync(path)).Split(' ')[0];
            counts[version] = counts.GetValueOrDefault(version) + 1;
        }

        return counts;
    }

    private async Task<string> AnswerAsync(string path, string session)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Apis, path)) { Headers = { { "Cookie", $"other=1; session={session}" } } };
        using var answer = await cluster.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadAsStringAsync()).Split(' ')[0];
    }

    private async Task<JsonElement> TargetAsync(string splitter, string target) =>
        (await cluster.GetAsync("get", splitter)).GetProperty("splitter").GetProperty("targets").EnumerateArray().Single(each => each.GetProperty("name").GetString() == target);

    private async Task<JsonElement> CanaryAsync(string splitter) => (await cluster.GetAsync("get", splitter)).GetProperty("splitter").GetProperty("canary");

    private async Task<JsonElement> CanaryAsync(string splitter, Func<JsonElement, bool> condition, string what)
    {
        JsonElement canary = default;
        await Eventually.TrueAsync(async () => condition(canary = await CanaryAsync(splitter)), what);
        return canary;
    }

    private async Task KillServerAsync()
    {
        using (var server = Process.GetProcessById(cluster.ServerProcessId))
        {
            server.Kill();
            await server.WaitForExitAsync();
        }

        await cluster.Cli.OkAsync("cluster", "up", cluster.ConfigFile);
    }

    private async Task DeleteAsync(params string[] apis)
    {
        foreach (var api in apis)
        {
            await cluster.Cli.OkAsync("delete", api, "-f");
        }
    }
}
