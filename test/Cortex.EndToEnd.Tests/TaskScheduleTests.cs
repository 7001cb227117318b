using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

/// <summary>Jobs that start by a schedule, on the real clock: a run a minute.</summary>
public sealed class TaskScheduleTests() : TaskApis(new LocalCluster())
{
    [Fact]
    public async Task EveryMinute_OneJobEach_HoweverTheServerIsKilled()
    {
        var random = new Random();
        await DeployAsync("tick", "schedule: {cron: '* * * * *', job: {config: {by: clock}, timeout: 60}}", Container("main", "cat /cortex/spec/job.json"));
        await DeployAsync("long", "schedule: {cron: '* * * * *', concurrency: forbid}", Container("main", "sleep 1000"));
        await DeployAsync("swap", "schedule: {cron: '* * * * *', concurrency: replace}", Container("main", "exec sleep 1000"));
        var first = (await Cluster.GetAsync("get", "tick")).GetProperty("schedule").GetProperty("next_run_time").GetDateTimeOffset();
        for (var minute = 0; minute < 3; minute++)
        {
            var kill = first.AddMinutes(minute).AddMilliseconds(random.Next(-100, 400));
            await Eventually.TrueAsync(() => Task.FromResult(DateTimeOffset.UtcNow >= kill), "its time comes", TimeSpan.FromSeconds(90));
            await KillServerAsync();
            await Cluster.Cli.OkAsync("cluster", "up", Cluster.ConfigFile);
        }

        foreach (var api in new[] { "tick", "swap" })
        {
            await Eventually.TrueAsync(async () => Runs(await Cluster.GetAsync("get", api)).Count >= 3, $"{api} has run three times", TimeSpan.FromSeconds(90));
            var runs = Runs(await Cluster.GetAsync("get", api));
            Assert.Equal(Enumerable.Range(0, runs.Count).Select(minute => first.AddMinutes(minute)), runs.Select(job => job.GetProperty("scheduled_time").GetDateTimeOffset()));
        }

        foreach (var job in Runs(await Cluster.GetAsync("get", "tick")))
        {
            var id = job.GetProperty("job_id").GetString()!;
            Assert.Equal("""{"by":"clock"}""", (await EndAsync("tick", id, "succeeded")).GetProperty("config").GetRawText());
            var text = await Cluster.Cli.OkAsync("logs", "tick", id, "--no-follow", "--random-pod");
            using var seen = JsonDocument.Parse(text);
            Assert.Equal(id, seen.RootElement.GetProperty("job_id").GetString());
        }

        var swapped = Runs(await Cluster.GetAsync("get", "swap"));
        foreach (var job in swapped.Take(swapped.Count - 1))
        {
            await EndAsync("swap", job.GetProperty("job_id").GetString()!, "stopped");
        }

        var only = Assert.Single(Runs(await Cluster.GetAsync("get", "long"))).GetProperty("job_id").GetString();
        Assert.Contains($"was skipped, as job {only} had not ended", await Cluster.Cli.OkAsync("get", "long"), StringComparison.Ordinal);
        Assert.Contains("next run: ", await Cluster.Cli.OkAsync("get", "tick"), StringComparison.Ordinal);
        await Cluster.Cli.OkAsync("delete", "long", "-f");
        await Cluster.Cli.OkAsync("delete", "swap", "-f");
        await Cluster.Cli.OkAsync("delete", "tick", "-f");
        await GoneAsync();
    }

    // Oldest first.
    private static List<JsonElement> Runs(JsonElement api) =>
        api.TryGetProperty("task_job_statuses", out var jobs) ? [.. jobs.EnumerateArray().OrderBy(job => job.GetProperty("scheduled_time").GetDateTimeOffset())] : [];
}
