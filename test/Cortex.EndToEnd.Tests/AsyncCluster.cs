using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

/// <summary>What tests of Async APIs do with a cluster.</summary>
internal static class AsyncCluster
{
    public static string Api(string name, string version = "1", int replicas = 1, int concurrency = 4, string queue = "{}") => $$"""
        - name: {{name}}
          kind: AsyncAPI
          pod:
            max_concurrency: {{concurrency}}
            containers:
            - name: api
              image: {{TestImage.Name}}
              env: {APP_VERSION: "{{version}}"}
              compute: {cpu: 50m}
          autoscaling: {min_replicas: {{replicas}}, max_replicas: {{Math.Max(1, replicas)}}, init_replicas: {{replicas}}}
          update_strategy: {max_surge: 1, max_unavailable: 0}
          queue: {{queue}}

        """;

    /// <summary>Submits a request and gives its id.</summary>
    public static async Task<string> SubmitAsync(this LocalCluster cluster, string api, string body, params (string Name, string Value)[] headers)
    {
        using var response = await cluster.PostAsync($"/{api}", body, headers);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{response.StatusCode}: {text}");
        using var json = JsonDocument.Parse(text);
        return json.RootElement.GetProperty("id").GetString()!;
    }

    public static async Task<HttpResponseMessage> PostAsync(this LocalCluster cluster, string path, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(cluster.Apis, path)) { Content = new StringContent(body, Encoding.UTF8, "text/plain") };
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await cluster.Http.SendAsync(request);
    }

    /// <summary>What is known of a request.</summary>
    public static async Task<JsonElement> RequestAsync(this LocalCluster cluster, string api, string id, int waitSeconds = 0)
    {
        using var response = await cluster.Http.GetAsync(new Uri(cluster.Apis, $"/{api}/{id}?wait={waitSeconds}s"));
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Waits until a request is final, and gives what is known of it then.</summary>
    public static async Task<JsonElement> FinalAsync(this LocalCluster cluster, string api, string id)
    {
        JsonElement state = default;
        await Eventually.TrueAsync(
            async () => (state = await cluster.RequestAsync(api, id, waitSeconds: 20)).GetProperty("status").GetString() is "completed" or "failed" or "cancelled",
            $"{api}/{id} is final", TimeSpan.FromSeconds(120));
        return state;
    }

    public static Task InStatusAsync(this LocalCluster cluster, string api, string id, string status) =>
        Eventually.TrueAsync(async () => (await cluster.RequestAsync(api, id)).GetProperty("status").GetString() == status, $"{api}/{id} is {status}");
}
