using System.Diagnostics;

namespace Cortex.EndToEnd.Tests;

/// <summary>Waits for a condition instead of for a time.</summary>
internal static class Eventually
{
    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? bound = null)
    {
        var limit = bound ?? TimeSpan.FromSeconds(60);
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < limit, $"never happened within {limit.TotalSeconds} s: {what}");
            await Task.Delay(50);
        }
    }
}
