using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

/// <summary>Containers reach their cluster with what they find in /cortex/client/cli.yaml, and may do with it what `client_access` says.</summary>
public sealed class ClientAccessTests() : TaskApis(new LocalCluster())
{
    // The shell's own words and wget are all that the image has.
    private const string Inside = """
        while read key value; do
          [ "$key" = operator_endpoint: ] && operator=$value
          [ "$key" = token: ] && token=$value
        done <$CORTEX_CLI_CONFIG_DIR/cli.yaml
        ask() { wget -q -O - --header "Authorization: Bearer $token" "$@" 2>&1; echo; }
        echo "version $CORTEX_VERSION"
        echo "token $token"
        ask $operator/get/child
        ask $operator/describe/hello
        ask --post-data '' $operator/refresh/hello
        ask --post-data '{}' $operator/tasks/child
        """;

    [Fact]
    public async Task Container_WithItsOwnToken_MaySubmitAndNeitherReadOthersNorChangeThem()
    {
        await Cluster.DeployAsync(LocalCluster.Api("hello"));
        await DeployAsync("child", Container("main", "echo child"));
        await DeployAsync("caller", Container("main", Inside));

        var id = await SubmitAsync("caller");
        await EndAsync("caller", id, "succeeded");

        var lines = (await Cluster.Cli.OkAsync("logs", "caller", id, "--no-follow", "--random-pod")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains($"cluster version: {lines[0]["version ".Length..]}\n", await Cluster.Cli.OkAsync("version"), StringComparison.Ordinal);
        var token = lines[1]["token ".Length..];
        Assert.StartsWith("cortex-api.caller.", token, StringComparison.Ordinal);
        using var child = JsonDocument.Parse(lines[2]);
        Assert.Equal(["metadata", "endpoint"], child.RootElement[0].EnumerateObject().Select(member => member.Name));
        Assert.Equal("http://ingressgateway-apis.istio-system.svc.cluster.local/child", child.RootElement[0].GetProperty("endpoint").GetString());
        Assert.Contains("403 Forbidden", lines[3], StringComparison.Ordinal);
        Assert.Contains("403 Forbidden", lines[4], StringComparison.Ordinal);
        using var submitted = JsonDocument.Parse(lines[5]);
        await EndAsync("child", submitted.RootElement.GetProperty("job_id").GetString()!, "succeeded");

        // The rest needs methods that wget does not have.
        Assert.Contains("that takes `client_access: admin`", await RefusedAsync(HttpMethod.Delete, "/delete/child", token), StringComparison.Ordinal);
        await Cluster.Cli.OkAsync("delete", "caller", "-f");
        Assert.Contains("endpoints.auth_invalid_token", await RefusedAsync(HttpMethod.Get, "/get/child", token), StringComparison.Ordinal);
        await DeployAsync("caller", Container("main", Inside));
        Assert.Contains("endpoints.auth_invalid_token", await RefusedAsync(HttpMethod.Get, "/get/child", token), StringComparison.Ordinal);
    }

    private async Task<string> RefusedAsync(HttpMethod method, string path, string token)
    {
        using var request = new HttpRequestMessage(method, new Uri($"http://{Cluster.Address}:{Cluster.OperatorPort}{path}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await Cluster.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }
}
