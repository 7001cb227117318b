namespace Cortex.Runtimes.Probes;

/// <summary>The result of one check.</summary>
/// <param name="Passed">Whether it was good.</param>
/// <param name="Words">What was wrong; empty when nothing was.</param>
internal readonly record struct ProbeResult(bool Passed, string Words)
{
    public static ProbeResult Good { get; } = new(true, "");

    public static ProbeResult Bad(string words) => new(false, words);
}
