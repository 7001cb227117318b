namespace Cortex.Operator.Splitting;

/// <summary>What a canary is doing.</summary>
internal enum CanaryPhase
{
    /// <summary>The target has no ready replica yet; the weights are those of the configuration.</summary>
    Waiting,

    /// <summary>The target gets what the step says, and is watched.</summary>
    Progressing,

    /// <summary>The last step went well; the target keeps what it says.</summary>
    Promoted,

    /// <summary>The target broke a limit; the weights are those of the configuration.</summary>
    RolledBack,
}
