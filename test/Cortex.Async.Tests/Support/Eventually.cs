using System.Diagnostics;

namespace Cortex.Async.Tests.Support;

/// <summary>Waits for conditions, generously: the machine may be busy.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task TrueAsync(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Limit, $"not within {Limit}: {what}");
            await Task.Delay(5);
        }
    }
}
