using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

/// <summary>Batch jobs in real containers: every status and source, and what must hold when something dies in the middle.</summary>
public sealed class BatchJobTests : IAsyncLifetime
{
    // Counts what it is given in a file, and does what the items say.
    private const string Answer = """
        #!/bin/sh
        body=$(head -c "${CONTENT_LENGTH:-0}")
        echo "got $body" >/proc/1/fd/1
        case "$body" in
          *slow*) sleep 1 ;;
          *stuck*) sleep 1000 ;;
          *die*) echo >/mnt/die; sleep 1000 ;;
          *fail*) printf 'Status: 500 Bad\r\nContent-Type: text/plain\r\n\r\nno such model'; exit ;;
        esac
        printf 'Content-Type: text/plain\r\n\r\nok'
        """;

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("cortex-e2e-data-");
    private readonly FileServer _files = new("1 2\n3 4\n5");
    private readonly LocalCluster _cluster;

    public BatchJobTests() => _cluster = new LocalCluster
    {
        Jobs = $"max_worker_deaths: 1, sources: {{file_folders: ['{_data.FullName}'], http_hosts: [127.0.0.1], s3: {{endpoint: '{_files.Url}', path_style: true, access_key: a, secret_key: b}}}}",
    };

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _files.DisposeAsync();
        _data.Delete(recursive: true);
    }

    [Fact]
    public async Task ItemList_EveryItemIsGivenOnce_ShownByTheCommandLine()
    {
        await DeployAsync("score");
        var file = Path.Combine(_data.FullName, "job.json");
        await File.WriteAllTextAsync(file, Items(Enumerable.Range(0, 25), 2));

        var output = await _cluster.Cli.OkAsync("job", "submit", "score", "-f", file, "--wait");

        var id = output.Split(' ')[2];
        Assert.Contains($"job {id} of score: succeeded after ", output, StringComparison.Ordinal);
        var shown = await _cluster.Cli.OkAsync("get", "score", id);
        Assert.Contains("status: succeeded", shown, StringComparison.Ordinal);
        Assert.Matches(@"total   succeeded   failed attempts   avg time per batch\n13 +13 +0 ", shown);
        await GoneAsync();
        var given = (await _cluster.Cli.OkAsync("logs", "score", id)).Split('\n').Where(line => line.Contains("got [", StringComparison.Ordinal)).SelectMany(line => Numbers(line)).Order();
        Assert.Equal(Enumerable.Range(0, 25), given);
    }

    [Fact]
    public async Task Sources_FoldersAndStreamedItems()
    {
        await DeployAsync("score");
        await File.WriteAllTextAsync(Path.Combine(_data.FullName, "a.json"), "1 2\n3");
        await File.WriteAllTextAsync(Path.Combine(_data.FullName, "b.json"), "4");
        await File.WriteAllTextAsync(Path.Combine(_data.FullName, "c.txt"), "not JSON");
        string Files(string source, string pattern) => $$$"""{"workers": 1, "{{{source}}}": {"s3_paths": ["file://{{{_data.FullName}}}/"], "includes": ["{{{pattern}}}"], "batch_size": 3}}""";

        var dry = await PostAsync("score", Files("file_path_lister", "**/*.json"), "?dryRun=true");
        var delimited = await SubmitAsync("score", Files("delimited_files", "**/*.json"));
        var listed = await SubmitAsync("score", Files("file_path_lister", "**/*.json"));
        var broken = await SubmitAsync("score", Files("delimited_files", "**/*.txt"));
        var items = Path.Combine(_data.FullName, "items.ndjson");
        await File.WriteAllTextAsync(items, string.Concat(Enumerable.Range(0, 1000).Select(i => $"{{\"id\":{i}}}\n")));
        var streamed = (await _cluster.Cli.OkAsync("job", "submit", "score", "-f", items, "--workers", "2", "--batch-size", "50")).Split(' ')[2];

        Assert.Equal($"file://{_data.FullName}/a.json\nfile://{_data.FullName}/b.json\nvalidations passed", dry);
        Assert.Equal(2, (await EndAsync("score", delimited, "succeeded")).GetProperty("total_batch_count").GetInt32());
        Assert.Equal(1, (await EndAsync("score", listed, "succeeded")).GetProperty("total_batch_count").GetInt32());
        Assert.Contains("c.txt", (await EndAsync("score", broken, "enqueue_failed")).GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(20, (await EndAsync("score", streamed, "succeeded")).GetProperty("total_batch_count").GetInt32());
    }

    [Fact]
    public async Task Sources_S3AndWebServers()
    {
        await DeployAsync("score");
        string Files(string source, string path) => $$$"""{"workers": 1, "{{{source}}}": {"s3_paths": ["{{{path}}}"], "batch_size": 2}}""";

        var bucket = await SubmitAsync("score", Files("delimited_files", FileServer.S3Path));
        var web = await SubmitAsync("score", Files("delimited_files", _files.FileUrl));
        var listed = await SubmitAsync("score", Files("file_path_lister", FileServer.S3Path));

        Assert.Equal(3, (await EndAsync("score", bucket, "succeeded")).GetProperty("total_batch_count").GetInt32());
        Assert.Equal(3, (await EndAsync("score", web, "succeeded")).GetProperty("total_batch_count").GetInt32());
        await EndAsync("score", listed, "succeeded");
        Assert.Contains("""got ["s3://data/items/one.json"]""", await _cluster.Cli.OkAsync("logs", "score", listed), StringComparison.Ordinal);
        Assert.Contains("got [3,4]", await _cluster.Cli.OkAsync("logs", "score", bucket), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FailedBatches_AreTriedAgain_KeptAndRetried()
    {
        await DeployAsync("score");
        var id = await SubmitAsync("score", """{"workers": 1, "dead_letter_queue": {"max_receive_count": 2}, "item_list": {"items": ["a", "fail", "b"], "batch_size": 1}}""");

        var ended = await EndAsync("score", id, "completed_with_failures");

        Assert.Equal(1, ended.GetProperty("dead_letters").GetInt32());
        using var letters = JsonDocument.Parse(await _cluster.Cli.OkAsync("job", "dead-letters", "score", id, "-o", "json"));
        var letter = Assert.Single(letters.RootElement.GetProperty("dead_letters").EnumerateArray());
        Assert.Equal("""["fail"]""", letter.GetProperty("batch").GetRawText());
        Assert.Equal([500, 500], letter.GetProperty("attempts").EnumerateArray().Select(attempt => attempt.GetProperty("status").GetInt32()));
        Assert.Equal("no such model", letter.GetProperty("attempts")[0].GetProperty("answer").GetString());
        var again = await _cluster.Cli.RunAsync("job", "retry", "score", id, "--wait");
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("completed with failures", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WorkersThatOnlyDie_EndTheJob()
    {
        await DeployAsync("broken", "echo oops; exit 3");
        await DeployAsync("hungry", "tail -c 1000000000 /dev/zero", "20Mi");
        const string job = """{"workers": 1, "item_list": {"items": [1], "batch_size": 1}}""";
        var (broken, hungry) = (await SubmitAsync("broken", job), await SubmitAsync("hungry", job));

        Assert.Contains("exit code 3", (await EndAsync("broken", broken, "worker_error")).GetProperty("message").GetString(), StringComparison.Ordinal);
        await EndAsync("hungry", hungry, "worker_oom");
        await GoneAsync();
    }

    [Fact]
    public async Task TimedOut_Stopped_AndDeletedApi_LeaveNothing()
    {
        await DeployAsync("score");
        await DeployAsync("gone");
        const string stuck = """ "item_list": {"items": ["stuck"], "batch_size": 1}}""";
        var late = await SubmitAsync("score", """{"workers": 1, "timeout": 3, """ + stuck);
        var stopped = await SubmitAsync("score", """{"workers": 1, """ + stuck);
        var deleted = await SubmitAsync("gone", """{"workers": 1, """ + stuck);
        await StatusAsync("score", stopped, "running");
        await StatusAsync("gone", deleted, "running");

        Assert.Contains($"stopped job {stopped}", await _cluster.Cli.OkAsync("delete", "score", stopped), StringComparison.Ordinal);
        await _cluster.Cli.OkAsync("delete", "gone", "-f");

        await EndAsync("score", late, "timed_out");
        await EndAsync("score", stopped, "stopped");
        await GoneAsync();
    }

    [Fact]
    public async Task Enqueuing_StoppedTimedOutOrApiDeleted_StartsNoWorker()
    {
        await DeployAsync("score");
        await DeployAsync("gone");
        string Job(string more) => $$$"""{"workers": 1, {{{more}}}"delimited_files": {"s3_paths": ["{{{_files.HaltingUrl}}}"], "batch_size": 1}}""";
        var stopped = await SubmitAsync("score", Job(""));
        var deleted = await SubmitAsync("gone", Job(""));
        await Eventually.TrueAsync(() => Task.FromResult(_files.Halves >= 2), "both are being read");
        var late = await SubmitAsync("score", Job("\"timeout\": 2, "));
        await StatusAsync("score", stopped, "enqueuing");
        await StatusAsync("gone", deleted, "enqueuing");
        Assert.Empty(await _cluster.ReplicaContainersAsync());

        await _cluster.Cli.OkAsync("delete", "score", stopped);
        await _cluster.Cli.OkAsync("delete", "gone", "-f");

        await EndAsync("score", stopped, "stopped");
        await EndAsync("score", late, "timed_out");
        await GoneAsync();
    }

    [Fact]
    public async Task Enqueuing_ServerKilled_GoesOnWithoutDoublingABatch()
    {
        await DeployAsync("score");
        var id = await SubmitAsync("score", $$$"""{"workers": 2, "delimited_files": {"s3_paths": ["{{{_files.HaltingUrl}}}"], "batch_size": 100}}""");
        for (var halves = 1; halves <= 2; halves++)
        {
            await Eventually.TrueAsync(() => Task.FromResult(_files.Halves >= halves), "the file is being read");
            await StatusAsync("score", id, "enqueuing");
            using (var server = Process.GetProcessById(_cluster.ServerProcessId))
            {
                server.Kill();
                await server.WaitForExitAsync();
            }

            await _cluster.Cli.OkAsync("cluster", "up", _cluster.ConfigFile);
        }

        await StatusAsync("score", id, "enqueuing");
        _files.Release();

        var ended = await EndAsync("score", id, "succeeded");
        const int batches = FileServer.HaltingItems / 100;
        Assert.Equal((batches, batches), (ended.GetProperty("total_batch_count").GetInt32(), ended.GetProperty("batch_metrics").GetProperty("succeeded").GetInt32()));
        await GoneAsync();
        var given = (await _cluster.Cli.OkAsync("logs", "score", id)).Split('\n').Where(line => line.Contains("got [", StringComparison.Ordinal)).SelectMany(line => Numbers(line)).Order();
        Assert.Equal(Enumerable.Range(0, FileServer.HaltingItems), given);
    }

    [Fact]
    public async Task WorkerKilled_ItsBatchGoesToAnother_RedeployDoesNotMatter()
    {
        await DeployAsync("score");
        var id = await SubmitAsync("score", Items(Enumerable.Range(0, 12).Select(i => $"\"slow {i}\""), 1));
        await StatusAsync("score", id, "running");
        await Eventually.TrueAsync(async () => (await JobAsync("score", id)).GetProperty("batch_metrics").GetProperty("succeeded").GetInt32() > 0, "a batch is done");
        await DeployAsync("score", "exit 9");

        var workers = await Shell.LinesAsync("docker", "ps", "-q", "--filter", $"label=dev.cortex.cluster={_cluster.Name}", "--filter", "name=main");
        await Shell.RunAsync("docker", "kill", workers[0]);

        var ended = await EndAsync("score", id, "succeeded");
        Assert.Equal(12, ended.GetProperty("batch_metrics").GetProperty("succeeded").GetInt32());
        await GoneAsync();
    }

    [Fact]
    public async Task ServerKilled_AtAnyMoment_EveryBatchIsCountedOnce()
    {
        await DeployAsync("score");
        var random = new Random(20261122);
        var id = await SubmitAsync("score", Items(Enumerable.Range(0, 2000), 1));
        for (var round = 0; round < 3; round++)
        {
            await Task.Delay(random.Next(1500));
            using (var server = Process.GetProcessById(_cluster.ServerProcessId))
            {
                server.Kill();
                await server.WaitForExitAsync();
            }

            await _cluster.Cli.OkAsync("cluster", "up", _cluster.ConfigFile);
        }

        var ended = await EndAsync("score", id, "succeeded", TimeSpan.FromMinutes(5));

        Assert.Equal((2000, 2000), (ended.GetProperty("total_batch_count").GetInt32(), ended.GetProperty("batch_metrics").GetProperty("succeeded").GetInt32()));
        await GoneAsync();
    }

    private static string Items<T>(IEnumerable<T> items, int batchSize) =>
        $$$"""{"workers": 2, "config": {"a": {"b": [1]}}, "item_list": {"items": [{{{string.Join(',', items)}}}], "batch_size": {{{batchSize}}}}}""";

    private static IEnumerable<int> Numbers(string line) =>
        line[(line.IndexOf('[', StringComparison.Ordinal) + 1)..line.IndexOf(']', StringComparison.Ordinal)].Split(',').Select(number => int.Parse(number, System.Globalization.CultureInfo.InvariantCulture));

    private Task<string> DeployAsync(string name, string? script = null, string mem = "")
    {
        script ??= $"busybox mkdir -p /mnt/www/cgi-bin; cat >/mnt/www/cgi-bin/index.cgi <<'X'\n{Answer}\nX\nbusybox chmod +x /mnt/www/cgi-bin/index.cgi; httpd -p 8080 -h /mnt/www; while ! [ -e /mnt/die ]; do sleep 0.1; done; exit 3";
        return _cluster.Cli.OkAsync("deploy", _cluster.Write($$"""
            - name: {{name}}
              kind: BatchAPI
              pod:
                port: 8080
                containers:
                - name: main
                  image: {{TestImage.Name}}
                  command: {{JsonSerializer.Serialize(new[] { "sh", "-c", script })}}
                  compute: {cpu: 20m{{(mem.Length > 0 ? $", mem: {mem}, mem_limit: {mem}" : "")}}}

            """));
    }

    private async Task<string> SubmitAsync(string api, string body)
    {
        using var job = JsonDocument.Parse(await PostAsync(api, body));
        return job.RootElement.GetProperty("job_id").GetString()!;
    }

    private async Task<string> PostAsync(string api, string body, string query = "")
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await _cluster.Http.PostAsync(new Uri(_cluster.Apis, $"/{api}{query}"), content);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return text;
    }

    private async Task<JsonElement> JobAsync(string api, string id, string wait = "")
    {
        using var answer = JsonDocument.Parse(await _cluster.Http.GetStringAsync(new Uri($"http://127.0.0.1:{_cluster.OperatorPort}/batch/{api}?jobID={id}{wait}")));
        return answer.RootElement.GetProperty("job_status").Clone();
    }

    private Task StatusAsync(string api, string id, string status) =>
        Eventually.TrueAsync(async () => (await JobAsync(api, id)).GetProperty("status").GetString() == status, $"{api} {id} is {status}");

    private async Task<JsonElement> EndAsync(string api, string id, string status, TimeSpan? bound = null)
    {
        JsonElement job = default;
        await Eventually.TrueAsync(async () => (job = await JobAsync(api, id, "&wait=10s")).TryGetProperty("end_time", out _), $"{api} {id} ends", bound ?? TimeSpan.FromSeconds(180));
        Assert.True(status == job.GetProperty("status").GetString(), $"not {status}: {job}");
        return job;
    }

    private Task GoneAsync() => Eventually.TrueAsync(
        async () => (await _cluster.ReplicaContainersAsync()).Count == 0, "no worker is left", TimeSpan.FromSeconds(120));
}
