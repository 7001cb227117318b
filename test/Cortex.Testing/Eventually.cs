using System.Diagnostics;

namespace Cortex.Testing;

/// <summary>Waits for conditions instead of for a time, generously: the machine may be busy.</summary>
public static class Eventually
{
    /// <summary>How long a test waits before it fails.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits until the condition holds; fails the test, saying what never came, after <paramref name="limit"/>, or <see cref="Limit"/>.</summary>
    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? limit = null) => TrueAsync(() => Task.FromResult(condition()), what, limit);

    /// <inheritdoc cref="TrueAsync(Func{bool}, string, TimeSpan?)"/>
    public static Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? limit = null) =>
        FoundAsync(async () => await condition() ? what : null, () => what, limit ?? Limit);

    /// <summary>Waits until there is something, and gives it; fails the test, saying what it was to be, after <see cref="Limit"/>.</summary>
    public static Task<T> GetAsync<T>(Func<T?> look, string what)
        where T : class => GetAsync(look, () => what);

    /// <summary>The same, with a description that tells how far it has come by then.</summary>
    public static Task<T> GetAsync<T>(Func<T?> look, Func<string> describe)
        where T : class => FoundAsync(() => Task.FromResult(look()), describe, Limit);

    /// <summary>The task's outcome, or a <see cref="TimeoutException"/> after <see cref="Limit"/>.</summary>
    public static Task<T> WithinLimit<T>(this Task<T> task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    /// <inheritdoc cref="WithinLimit{T}(Task{T})"/>
    public static Task WithinLimit(this Task task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    private static async Task<T> FoundAsync<T>(Func<Task<T?>> look, Func<string> describe, TimeSpan limit)
        where T : class
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            if (await look() is { } found)
            {
                return found;
            }

            Assert.True(watch.Elapsed < limit, $"still not so after {limit.TotalSeconds} s: {describe()}");
            await Task.Delay(_pause, TestContext.Current.CancellationToken);
        }
    }
}
