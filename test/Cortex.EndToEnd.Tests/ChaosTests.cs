using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Cortex.EndToEnd.Tests;

/// <summary>
/// The server is killed again and again under load, and replicas with it. CORTEX_CHAOS_KILLS says how often;
/// <c>scripts/chaos.sh</c> runs it with 200.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Submitters = 4;
    private const int Observers = 2;
    private const int UnderWay = 100;   // requests of one submitter; without a bound the work would end long after the last kill
    private static readonly TimeSpan _endLimit = TimeSpan.FromMinutes(2);
    private static readonly string _large = new('x', 100_000);   // over what is kept with the message: it goes to a blob

    private readonly LocalCluster _cluster = new();
    private readonly ConcurrentDictionary<string, int> _acknowledged = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _final = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _cancelled = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _wrong = new();
    private int _number;

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Async_ServerAndReplicasKilledUnderLoad_EveryAcknowledgedRequestEndsOnceWithItsOwnResult()
    {
        var kills = int.Parse(Environment.GetEnvironmentVariable("CORTEX_CHAOS_KILLS") ?? "24", CultureInfo.InvariantCulture);
        await _cluster.DeployAsync(AsyncCluster.Api("chaos", replicas: 2, concurrency: 8, queue: "{max_lost_attempts: 100}"));
        var random = new Random(3);
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Submitters).Select(client => Task.Run(() => SubmitAsync(new Random(client), stop.Token)))
            .Concat(Enumerable.Range(0, Observers).Select(client => Task.Run(() => ObserveAsync(new Random(100 + client), stop.Token))))
            .ToList();

        for (var kill = 0; kill < kills; kill++)
        {
            await Task.Delay(random.Next(0, 1200));
            if (kill % 6 == 5)
            {
                var containers = await _cluster.ReplicaContainersAsync("ancestor=" + TestImage.Name);
                if (containers.Count > 0)
                {
                    await Shell.LinesAsync("docker", "kill", containers[random.Next(containers.Count)]);
                }
            }

            using (var server = Process.GetProcessById(_cluster.ServerProcessId))
            {
                server.Kill();
                await server.WaitForExitAsync();
            }

            await _cluster.Cli.OkAsync("cluster", "up", _cluster.ConfigFile);
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients);

        await EndAsync();
        output.WriteLine($"{kills} kills, {_acknowledged.Count} requests acknowledged, {_cancelled.Count} cancelled");
        Assert.True(_wrong.IsEmpty, $"{_wrong.Count} wrong:\n{string.Join('\n', _wrong.Take(10))}");
        Assert.True(_acknowledged.Count > kills, $"only {_acknowledged.Count} requests were acknowledged");
        Assert.Equal(_acknowledged.Keys.Order(StringComparer.Ordinal), (await ListAsync()).Order(StringComparer.Ordinal));
    }

    // Waits until every request has ended; what was queued last is worked off within this time with ease.
    private async Task EndAsync()
    {
        var watch = Stopwatch.StartNew();
        foreach (var id in _acknowledged.Keys)
        {
            while (await LookAsync(id, "?wait=10s") is "in_queue" or "in_progress")
            {
                if (watch.Elapsed > _endLimit)
                {
                    var counts = await _cluster.DescribeAsync("chaos");
                    var log = await File.ReadAllLinesAsync(Path.Combine(_cluster.DataDirectory, "server.log"));
                    Assert.Fail($"{id} has not ended {_endLimit} after the last kill: {await _cluster.CallAsync($"/chaos/{id}")}\n{counts}\n{string.Join('\n', log.TakeLast(50))}");
                }
            }
        }
    }

    // Each number is submitted until it is acknowledged, under one key: a retry must not make two of it.
    private async Task SubmitAsync(Random random, CancellationToken stop)
    {
        var underWay = new Queue<string>();
        while (!stop.IsCancellationRequested)
        {
            if (underWay.Count == UnderWay)
            {
                await EndedAsync(underWay.Dequeue(), stop);
            }

            var number = Interlocked.Increment(ref _number);
            var since = Stopwatch.StartNew();
            while (true)
            {
                var said = "";
                try
                {
                    using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_cluster.Apis, "/chaos"));
                    request.Headers.Add("Idempotency-Key", $"number-{number}");
                    request.Content = new StringContent(Payload(number));
                    using var response = await _cluster.Http.SendAsync(request, CancellationToken.None);
                    var body = await response.Content.ReadAsStringAsync(CancellationToken.None);
                    if (response.StatusCode == HttpStatusCode.OK)
                    {
                        using var json = JsonDocument.Parse(body);
                        var id = json.RootElement.GetProperty("id").GetString()!;
                        if (!_acknowledged.TryAdd(id, number))
                        {
                            _wrong.Enqueue($"{id} was given to {_acknowledged[id]} and to {number}");
                        }

                        underWay.Enqueue(id);

                        if (random.Next(30) == 0)
                        {
                            await CancelAsync(id);
                        }

                        break;
                    }

                    said = $"{(int)response.StatusCode} {body}";
                    if (response.StatusCode is not (HttpStatusCode.NotFound or HttpStatusCode.ServiceUnavailable))
                    {
                        _wrong.Enqueue($"submitting {number}: {said}");
                        break;
                    }
                }
                catch (HttpRequestException exception)
                {
                    said = exception.Message;   // the server is down
                }

                if (since.Elapsed > _endLimit)
                {
                    _wrong.Enqueue($"{number} could not be submitted within {_endLimit}: {said}");
                    return;
                }

                await Task.Delay(20, CancellationToken.None);
            }
        }
    }

    private async Task EndedAsync(string id, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (await LookAsync(id, "?wait=1s") is not ("in_queue" or "in_progress"))
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                await Task.Delay(20, CancellationToken.None);   // the server is down
            }
        }
    }

    private async Task CancelAsync(string id)
    {
        try
        {
            using var response = await _cluster.Http.DeleteAsync(new Uri(_cluster.Apis, $"/chaos/{id}"));
            if (response.StatusCode == HttpStatusCode.OK)
            {
                _cancelled[id] = true;
            }
        }
        catch (HttpRequestException)
        {
            // The server is down; the request may be cancelled or not.
        }
    }

    private async Task ObserveAsync(Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var ids = _acknowledged.Keys.ToList();
            try
            {
                if (ids.Count > 0)
                {
                    await LookAsync(ids[random.Next(ids.Count)], random.Next(2) == 0 ? "" : "?wait=1s");
                }
            }
            catch (HttpRequestException)
            {
                // The server is down.
            }

            await Task.Delay(5, CancellationToken.None);
        }
    }

    // A request that was acknowledged is known for ever; once final it stays as it is; its result is its own.
    private async Task<string> LookAsync(string id, string query)
    {
        using var response = await _cluster.Http.GetAsync(new Uri(_cluster.Apis, $"/chaos/{id}{query}"));
        var body = await response.Content.ReadAsStringAsync();
        if (response.StatusCode == HttpStatusCode.ServiceUnavailable || (response.StatusCode == HttpStatusCode.NotFound && !body.Contains(id, StringComparison.Ordinal)))
        {
            return "in_queue";   // the server has just started and does not route yet
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            _wrong.Enqueue($"{id}: {(int)response.StatusCode} {body}");
            return "";
        }

        using var json = JsonDocument.Parse(body);
        var status = json.RootElement.GetProperty("status").GetString()!;
        if (status is "in_queue" or "in_progress")
        {
            if (_final.TryGetValue(id, out var final))
            {
                _wrong.Enqueue($"{id} was final ({Short(final)}) and is {status}");
            }

            if (_cancelled.ContainsKey(id))
            {
                _wrong.Enqueue($"{id} was cancelled and is {status}");
            }

            return status;
        }

        var first = _final.GetOrAdd(id, body);
        if (first != body)
        {
            _wrong.Enqueue($"{id} was {Short(first)} and is {Short(body)}");
        }

        if (status == "completed" ? json.RootElement.GetProperty("result").GetProperty("said").GetString() != Payload(_acknowledged[id]) || _cancelled.ContainsKey(id) : status != "cancelled")
        {
            _wrong.Enqueue($"{id} is {Short(body)} for {Short(Payload(_acknowledged[id]))}");
        }

        return status;
    }

    private async Task<List<string>> ListAsync()
    {
        using var json = JsonDocument.Parse(await _cluster.Cli.OkAsync("async", "list", "chaos", "--all", "-o", "json"));
        var ids = json.RootElement.GetProperty("requests").EnumerateArray().Select(request => request.GetProperty("id").GetString()!).ToList();
        return ids;
    }

    private static string Payload(int number) => $"number {number}{(number % 20 == 0 ? _large : "")}";

    private static string Short(string text) => text.Length > 200 ? text[..200] + "..." : text;
}
