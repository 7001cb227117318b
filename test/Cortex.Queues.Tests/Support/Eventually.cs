using System.Diagnostics;

namespace Cortex.Queues.Tests.Support;

/// <summary>Waits for conditions of real processes. The deadline is generous: machines are busy.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(Func<bool> look, string what) => TrueAsync(() => Task.FromResult(look()), what);

    public static Task TrueAsync(Func<Task<bool>> look, string what) => GetAsync(async () => await look() ? what : null, () => what);

    public static Task<T> GetAsync<T>(Func<T?> look, Func<string> describe)
        where T : class => GetAsync(() => Task.FromResult(look()), describe);

    private static async Task<T> GetAsync<T>(Func<Task<T?>> look, Func<string> describe)
        where T : class
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            if (await look() is { } found)
            {
                return found;
            }

            Assert.True(watch.Elapsed < Deadline, $"still not so after {Deadline.TotalSeconds} s: {describe()}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
