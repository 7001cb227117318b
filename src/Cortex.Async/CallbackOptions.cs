using Cortex.Async.Callbacks;
using Cortex.Dispatch;

namespace Cortex.Async;

/// <summary>How final states are called back. Read once, when the service is made.</summary>
public sealed record CallbackOptions
{
    /// <summary>Whether targets on this machine and in private networks may be called. Default no.</summary>
    public bool AllowPrivateTargets { get; init; }

    /// <summary>
    /// Host names, addresses and networks (<c>10.1.0.0/16</c>) that may be called although they are private. A name
    /// allows whatever it resolves to. Default none.
    /// </summary>
    public IReadOnlyList<string> AllowedTargets { get; init; } = [];

    /// <summary>Attempts before a callback is given up; 1 to 100, default 12.</summary>
    public int Attempts { get; init; } = 12;

    /// <summary>Pause before the second attempt; doubles with each further one. 10 ms to 1 day, default 5 s.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest pause between attempts. <see cref="Backoff"/> to 1 day, default 10 min.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Longest time of one attempt, from the look-up of its host to the end of its answer. 100 ms to 1 hour, default 30 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Callbacks in progress at a time. 1 to 1000, default 16.</summary>
    public int Concurrency { get; init; } = 16;

    /// <summary>How long it is known what became of a callback. 1 minute to 8760 hours, default 168 hours.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromHours(168);

    /// <summary>What is wrong with the values, all of it; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        var day = TimeSpan.FromDays(1);
        OptionErrors errors = new();
        errors.Check(Attempts is >= 1 and <= 100, nameof(Attempts), "1 to 100", Attempts);
        errors.Check(Backoff >= TimeSpan.FromMilliseconds(10) && Backoff <= day, nameof(Backoff), "10 ms to 1 day", Backoff);
        errors.Check(BackoffMax >= Backoff && BackoffMax <= day, nameof(BackoffMax), $"{nameof(Backoff)} to 1 day", BackoffMax);
        errors.Check(Timeout >= TimeSpan.FromMilliseconds(100) && Timeout <= TimeSpan.FromHours(1), nameof(Timeout), "100 ms to 1 hour", Timeout);
        errors.Check(Concurrency is >= 1 and <= 1000, nameof(Concurrency), "1 to 1000", Concurrency);
        errors.Check(
            Retention >= TimeSpan.FromMinutes(1) && Retention <= TimeSpan.FromHours(8760), nameof(Retention), "1 minute to 8760 hours", Retention);
        foreach (var target in AllowedTargets)
        {
            errors.Check(TargetRules.IsTarget(target), nameof(AllowedTargets), "host names, addresses and networks such as 10.1.0.0/16, with or without a port", target);
        }

        return errors.All;
    }
}
