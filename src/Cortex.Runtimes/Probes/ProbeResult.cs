namespace Cortex.Runtimes.Probes;

/// <summary>The result of one check.</summary>
/// <param name="Passed">Whether it was good; null when nothing was learnt, as the check itself could not be made.</param>
/// <param name="Words">What was wrong; empty when nothing was.</param>
internal readonly record struct ProbeResult(bool? Passed, string Words)
{
    public static ProbeResult Good { get; } = new(true, "");

    public static ProbeResult Bad(string words) => new(false, words);

    /// <summary>Whoever makes the check could not make it, which says nothing about the program.</summary>
    public static ProbeResult None(string words) => new(null, words);
}
