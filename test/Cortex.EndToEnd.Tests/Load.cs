using System.Collections.Concurrent;

namespace Cortex.EndToEnd.Tests;

/// <summary>Steady requests from several clients until told to stop; remembers everything that was not a 200.</summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly ConcurrentDictionary<string, int> _answers = new();
    private readonly List<Task> _clients;
    private int _count;

    public Load(LocalCluster cluster, string path, int clients = 8)
    {
        var url = new Uri(cluster.Apis, path);
        _clients = [.. Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    using var response = await cluster.Http.GetAsync(url);
                    var body = await response.Content.ReadAsStringAsync();
                    if ((int)response.StatusCode == 200)
                    {
                        _answers.AddOrUpdate(body.Split(' ')[0], 1, (_, count) => count + 1);
                    }
                    else
                    {
                        _failures.Enqueue($"{(int)response.StatusCode} {body}");
                    }
                }
                catch (HttpRequestException exception)
                {
                    _failures.Enqueue(exception.ToString());
                }

                Interlocked.Increment(ref _count);
            }
        }))];
    }

    public int Count => Volatile.Read(ref _count);

    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>How often each first word was answered.</summary>
    public IReadOnlyDictionary<string, int> Answers => _answers;

    public Task MoreAsync(int requests)
    {
        var target = Count + requests;
        return Eventually.TrueAsync(() => Task.FromResult(Count >= target), $"{requests} more requests");
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }
}
