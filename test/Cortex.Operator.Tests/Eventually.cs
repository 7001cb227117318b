namespace Cortex.Operator.Tests;

/// <summary>Waits for a condition instead of for a time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(60);

    public static async Task<T> GetAsync<T>(Func<T?> read, string what)
        where T : class
    {
        var deadline = DateTime.UtcNow + _bound;
        while (DateTime.UtcNow < deadline)
        {
            if (read() is { } value)
            {
                return value;
            }

            await Task.Delay(5);
        }

        Assert.Fail($"never happened within {_bound.TotalSeconds} s: {what}");
        return null!;
    }

    public static Task TrueAsync(Func<bool> condition, string what) => GetAsync(() => condition() ? what : null, what);

    public static async Task TrueAsync(Func<Task<bool>> condition, string what)
    {
        var deadline = DateTime.UtcNow + _bound;
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < deadline, $"never happened within {_bound.TotalSeconds} s: {what}");
            await Task.Delay(5);
        }
    }
}
