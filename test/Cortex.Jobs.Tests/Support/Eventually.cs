using System.Diagnostics;

namespace Cortex.Jobs.Tests.Support;

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

    public static Task TrueAsync(Func<bool> look, string what) => GetAsync(() => look() ? what : null, () => what);
}
