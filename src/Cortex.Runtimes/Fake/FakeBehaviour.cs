namespace Cortex.Runtimes.Fake;

/// <summary>How a pod fares on a <see cref="FakeMachine"/>. The default becomes ready at once.</summary>
public sealed record FakeBehaviour
{
    /// <summary>Stays <see cref="PodState.Pending"/> with this reason, whatever the room; null lets the room decide.</summary>
    public string? NoRoom { get; init; }

    /// <summary>Time in <see cref="PodState.Creating"/>; <see cref="Timeout.InfiniteTimeSpan"/> stays there.</summary>
    public TimeSpan CreatingFor { get; init; }

    /// <summary>The registry's words: the pod goes to <see cref="PodState.ErrImagePull"/> and stays there.</summary>
    public string? ImageError { get; init; }

    /// <summary>The backend's words: no container can be started; the pod goes to <see cref="PodState.Failed"/>.</summary>
    public string? StartError { get; init; }

    /// <summary>From a start to ready; <see cref="Timeout.InfiniteTimeSpan"/> never becomes ready by itself.</summary>
    public TimeSpan ReadyAfter { get; init; }

    /// <summary>How its first container ends after each start; null runs on.</summary>
    public FakeExit? Exit { get; init; }

    /// <summary>How long it takes to stop by itself; the grace period of the deletion cuts it short.</summary>
    public TimeSpan StopTakes { get; init; }

    /// <summary>What each of its containers has written.</summary>
    public IReadOnlyList<string> Log { get; init; } = [];

    /// <summary>What its containers use.</summary>
    public PodUsage Usage { get; init; } = new(0, 0);

    /// <summary>Answers commands; null answers exit code 0 and no output.</summary>
    public Func<IReadOnlyList<string>, ExecResult>? Exec { get; init; }
}

/// <summary>How a container ends.</summary>
/// <param name="After">Time from its start; zero ends it at once.</param>
/// <param name="Code">Its exit code.</param>
/// <param name="OomKilled">Whether its memory limit ended it.</param>
public sealed record FakeExit(TimeSpan After, int Code, bool OomKilled = false);
