using System.Diagnostics;

namespace Cortex.Runtimes.Tests;

/// <summary>Waits for conditions of real processes. The deadline is generous: machines are busy.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static async Task<T> GetAsync<T>(Func<T?> look, Func<string> describe)
        where T : class
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            if (look() is { } found)
            {
                return found;
            }

            if (watch.Elapsed > Deadline)
            {
                Assert.Fail($"still not so after {Deadline.TotalSeconds} s: {describe()}");
            }

            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public static async Task TrueAsync(Func<Task<bool>> look, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await look())
        {
            Assert.True(watch.Elapsed < Deadline, $"still not so after {Deadline.TotalSeconds} s: {what}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
