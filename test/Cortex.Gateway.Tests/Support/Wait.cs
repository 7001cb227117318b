using System.Diagnostics;

namespace Cortex.Gateway.Tests.Support;

/// <summary>Waits for conditions in real processes, generously: the machine may be busy.</summary>
internal static class Wait
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Limit, $"not within {Limit}: {what}");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public static Task<T> WithinLimit<T>(this Task<T> task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static Task WithinLimit(this Task task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);
}
