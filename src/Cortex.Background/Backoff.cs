namespace Cortex.Background;

/// <summary>Pauses that double from try to try, up to a bound.</summary>
/// <param name="First">The pause after the first failure; not negative.</param>
/// <param name="Most">The longest pause.</param>
public readonly record struct Backoff(TimeSpan First, TimeSpan Most)
{
    // Sixty doublings of the shortest time span are more than a millennium.
    private const int MostDoublings = 60;

    /// <summary>The pause after so many failures in a row, the last one included; none after no failure.</summary>
    public TimeSpan After(int failures) =>
        failures <= 0 ? TimeSpan.Zero : Bounded(First.Ticks * Math.Pow(2, Math.Min(failures - 1, MostDoublings)));

    /// <summary>The pause after a failure that another pause was before: twice that.</summary>
    /// <param name="pause">The pause before; zero for none.</param>
    public TimeSpan Next(TimeSpan pause) => Bounded(Math.Max(First.Ticks, pause.Ticks * 2.0));

    /// <summary>A pause give or take a fifth, so that what failed together is not tried again together.</summary>
    /// <param name="pause">The pause.</param>
    /// <param name="random">0 to 1, at random.</param>
    public static TimeSpan Jittered(TimeSpan pause, double random) => pause * (0.8 + (0.4 * random));

    private TimeSpan Bounded(double ticks) => ticks < Most.Ticks ? TimeSpan.FromTicks((long)ticks) : Most;
}
