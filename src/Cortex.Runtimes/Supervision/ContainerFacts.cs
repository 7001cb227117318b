namespace Cortex.Runtimes.Supervision;

/// <summary>What <see cref="PodStateRule"/> looks at.</summary>
/// <param name="Phase">What the container does now.</param>
/// <param name="Ready">Whether it passes its readiness probe.</param>
/// <param name="ExitCode">Exit code of its last end; null when it never ended or nothing could be started.</param>
/// <param name="OomKilled">Whether its last end came from its memory limit.</param>
/// <param name="EndedAt">When it last ended.</param>
internal readonly record struct ContainerFacts(
    ContainerPhase Phase, bool Ready, int? ExitCode, bool OomKilled, DateTimeOffset? EndedAt);
