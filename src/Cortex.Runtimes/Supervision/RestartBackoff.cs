using Cortex.Background;

namespace Cortex.Runtimes.Supervision;

/// <summary>How long to wait before a container is started again. Pure.</summary>
/// <param name="First">The delay before the second restart; the first comes at once.</param>
/// <param name="Max">The longest delay.</param>
/// <param name="ResetAfter">A container that ran this long starts over.</param>
internal sealed record RestartBackoff(TimeSpan First, TimeSpan Max, TimeSpan ResetAfter)
{
    public static RestartBackoff Default { get; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(10));

    /// <summary>The delay before the next restart.</summary>
    /// <param name="restartsInARow">Restarts since the last reset.</param>
    public TimeSpan Delay(int restartsInARow) => new Backoff(First, Max).After(restartsInARow);
}
