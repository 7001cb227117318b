using System.Diagnostics;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

/// <summary>Tests that run jobs of Task APIs on a cluster of their own.</summary>
public abstract class TaskApis(LocalCluster cluster) : IAsyncLifetime
{
    protected LocalCluster Cluster => cluster;

    public virtual ValueTask InitializeAsync() => cluster.InitializeAsync();

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await cluster.DisposeAsync();
    }

    protected static string Container(string name, string script, string mem = "", string more = "", string? command = null) => $$"""
            - name: {{name}}
              image: {{TestImage.Name}}
              command: {{command ?? JsonSerializer.Serialize(new[] { "sh", "-c", script })}}
              compute: {cpu: 20m{{(mem.Length > 0 ? $", mem: {mem}, mem_limit: {mem}" : "")}}}
              {{more}}

        """;

    protected Task<string> DeployAsync(string name, params string[] containers)
    {
        var settings = containers.Where(IsSetting);
        var pods = containers.Where(part => !IsSetting(part)).Select(part => string.Concat(part.Split('\n').Select(line => "    " + line + "\n")));
        return Cluster.Cli.OkAsync("deploy", Cluster.Write($"- name: {name}\n  kind: TaskAPI\n{string.Concat(settings.Select(line => $"  {line}\n"))}  pod:\n    containers:\n{string.Concat(pods)}"));
    }

    private static bool IsSetting(string part) => part.StartsWith("jobs:", StringComparison.Ordinal) || part.StartsWith("schedule:", StringComparison.Ordinal);

    protected async Task<string> SubmitAsync(string api, string body = "{}")
    {
        using var response = await Cluster.Http.PostAsync(new Uri($"http://{Cluster.Address}:{Cluster.OperatorPort}/tasks/{api}"), Json(body));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        using var job = JsonDocument.Parse(text);
        return job.RootElement.GetProperty("job_id").GetString()!;
    }

    protected async Task<JsonElement> JobAsync(string api, string id, string wait = "")
    {
        using var answer = JsonDocument.Parse(await Cluster.Http.GetStringAsync(new Uri($"http://{Cluster.Address}:{Cluster.OperatorPort}/tasks/{api}?jobID={id}{wait}")));
        return answer.RootElement.GetProperty("job_status").Clone();
    }

    protected Task StatusAsync(string api, string id, string status) =>
        Eventually.TrueAsync(async () => (await JobAsync(api, id)).GetProperty("status").GetString() == status, $"{api} {id} is {status}");

    protected async Task<JsonElement> EndAsync(string api, string id, string? status = null, TimeSpan? bound = null)
    {
        JsonElement job = default;
        await Eventually.TrueAsync(async () => (job = await JobAsync(api, id, "&wait=10s")).TryGetProperty("end_time", out _), $"{api} {id} ends", bound ?? TimeSpan.FromSeconds(120));
        Assert.True(status is null || status == job.GetProperty("status").GetString(), $"not {status}: {job}");
        return job;
    }

    protected Task GoneAsync() => Eventually.TrueAsync(async () => (await Cluster.ReplicaContainersAsync()).Count == 0, "no container is left");

    protected async Task KillServerAsync()
    {
        using var server = Process.GetProcessById(Cluster.ServerProcessId);
        server.Kill();
        await server.WaitForExitAsync();
    }

    protected static StringContent Json(string body) => new(body, System.Text.Encoding.UTF8, "application/json");
}
