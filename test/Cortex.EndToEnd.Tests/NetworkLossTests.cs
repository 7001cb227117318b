using System.Net;

namespace Cortex.EndToEnd.Tests;

public sealed class NetworkLossTests
{
    [Fact]
    public async Task Replica_TakenOffItsNetwork_EndsItsRequestAndServesAgain()
    {
        await TestImage.EnsureAsync();
        await using var cluster = new LocalCluster();
        await cluster.InitializeAsync();
        await cluster.DeployAsync(LocalCluster.Api("lost"));
        var infra = Assert.Single(await Shell.LinesAsync(
            "docker", "ps", "--format", "{{.Names}}", "--filter", $"name=^cortex-{cluster.Name}-lost-[a-z0-9]*$"));

        // Its replica would answer after an hour.
        var request = cluster.Http.GetAsync(new Uri(cluster.Apis, "/lost/cgi-bin/sleep?3600"));
        await Eventually.TrueAsync(
            async () => (await Shell.LinesAsync("docker", "top", $"{infra}.api")).Any(line => line.Contains("sleep", StringComparison.Ordinal)), "the request has arrived");
        await Shell.RunAsync("docker", "network", "disconnect", "-f", $"cortex-{cluster.Name}", infra);

        using var answer = await request;
        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        await Eventually.TrueAsync(async () =>
        {
            using var again = await cluster.Http.GetAsync(new Uri(cluster.Apis, "/lost"));
            return again.IsSuccessStatusCode;
        }, "it serves again");
    }
}
