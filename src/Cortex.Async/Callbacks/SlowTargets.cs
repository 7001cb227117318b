namespace Cortex.Async.Callbacks;

/// <summary>
/// Keeps a receiver that does not answer from taking up every place: after a timeout it gets one callback at a time until it
/// answers again.
/// </summary>
internal sealed class SlowTargets
{
    private const int MaxRemembered = 10_000;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (int InProgress, bool IsSlow)> _targets = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Begins a callback; false when its target is slow and has one in progress.</summary>
    /// <param name="target">The target's host and port.</param>
    public bool TryEnter(string target)
    {
        lock (_lock)
        {
            var (inProgress, isSlow) = _targets.GetValueOrDefault(target);
            if (isSlow && inProgress > 0)
            {
                return false;
            }

            _targets[target] = (inProgress + 1, isSlow);
            return true;
        }
    }

    /// <summary>Ends a callback.</summary>
    /// <param name="target">The target's host and port.</param>
    /// <param name="timedOut">Whether it did not answer in time.</param>
    public void Leave(string target, bool timedOut)
    {
        lock (_lock)
        {
            var inProgress = _targets[target].InProgress - 1;
            if (inProgress == 0 && (!timedOut || _targets.Count > MaxRemembered))
            {
                _targets.Remove(target);
            }
            else
            {
                _targets[target] = (inProgress, timedOut);
            }
        }
    }
}
