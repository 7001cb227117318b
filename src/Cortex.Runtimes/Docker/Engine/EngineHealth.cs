using System.Globalization;

namespace Cortex.Runtimes.Docker.Engine;

/// <summary>What the engine's answers, and their absence, say about it.</summary>
/// <remarks>
/// An engine that deadlocks still answers most calls and is silent on those that concern one container, so it is not enough that it answers some.
/// </remarks>
internal sealed class EngineHealth(TimeProvider time)
{
    // On a busy machine a call may take long; the engine is not called silent before.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    // What has not been answered is asked for again; until then it counts as not answered.
    private static readonly TimeSpan _remembered = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<long, Call> _underWay = [];
    private readonly Dictionary<string, Call> _givenUp = new(StringComparer.Ordinal);
    private long _last;
    private RuntimeTrouble? _unreachable;

    /// <summary>What is wrong with it; null when nothing is known to be.</summary>
    public RuntimeTrouble? Trouble
    {
        get
        {
            lock (_lock)
            {
                if (_unreachable is not null)
                {
                    return _unreachable;
                }

                Forget();
                var oldest = _givenUp.Values.Concat(_underWay.Values.Where(call => time.GetElapsedTime(call.Timestamp) > _patience)).MinBy(call => call.Since);
                return oldest is null ? null : Silent(oldest.Since, $" to \"{oldest.What}\"");
            }
        }
    }

    // What it is silent to comes with a blank in front; empty for everything.
    private static RuntimeTrouble Silent(DateTimeOffset since, string towards = "") => new(
        string.Create(CultureInfo.InvariantCulture, $"Docker Engine has not answered{towards} since {since:yyyy-MM-dd HH:mm:ss} UTC; what runs goes on, and nothing is started or stopped. Look into its log (journalctl -u docker); if it stays so, restart it (systemctl restart docker)"), since);

    /// <summary>A call begins. Returns its number.</summary>
    public long Begin(string what)
    {
        lock (_lock)
        {
            _underWay[++_last] = new Call(what, _givenUp.GetValueOrDefault(what)?.Since ?? time.GetUtcNow(), time.GetTimestamp());
            return _last;
        }
    }

    /// <summary>A call has ended.</summary>
    /// <param name="number">From <see cref="Begin"/>.</param>
    /// <param name="answered">Whether the engine answered, if only by an error; null when nobody waited for it.</param>
    public void End(long number, bool? answered)
    {
        lock (_lock)
        {
            if (!_underWay.Remove(number, out var call))
            {
                return;
            }

            if (answered is true)
            {
                _givenUp.Remove(call.What);
                _unreachable = null;
            }
            else if (answered is false)
            {
                _givenUp[call.What] = call with { Timestamp = time.GetTimestamp() };
            }
        }
    }

    /// <summary>It can't be reached, or answers nothing at all.</summary>
    /// <param name="since">When it was asked; what was found before and has not ended since counts instead.</param>
    /// <param name="message">Why it can't be reached; null when it is silent.</param>
    public void IsUnreachable(DateTimeOffset since, string? message)
    {
        lock (_lock)
        {
            since = _unreachable?.Since ?? since;
            _unreachable = message is null ? Silent(since) : new RuntimeTrouble(message, since);
        }
    }

    private void Forget()
    {
        foreach (var what in _givenUp.Where(each => time.GetElapsedTime(each.Value.Timestamp) > _remembered).Select(each => each.Key).ToList())
        {
            _givenUp.Remove(what);
        }
    }

    private sealed record Call(string What, DateTimeOffset Since, long Timestamp);
}
