namespace Cortex.Operator.Scaling;

/// <summary>The highest and the lowest recommendation since any moment within the time kept.</summary>
/// <remarks>
/// A recommendation that a later one exceeds can't be the highest any more, and so for the lowest. What is left is in
/// order, so that its length is bounded by the number of different recommendations, however long the time kept.
/// </remarks>
internal sealed class RecommendationHistory
{
    private readonly List<(TimeSpan At, int Value)> _highs = [];
    private readonly List<(TimeSpan At, int Value)> _lows = [];

    /// <summary>Adds the newest recommendation and forgets those from before <paramref name="keepSince"/>.</summary>
    public void Add(TimeSpan at, int value, TimeSpan keepSince)
    {
        Add(_highs, at, value, keepSince, sign: 1);
        Add(_lows, at, value, keepSince, sign: -1);
    }

    /// <summary>The highest since then, that moment included; null when there is none.</summary>
    public int? Highest(TimeSpan since) => FirstSince(_highs, since);

    /// <summary>The lowest since then, that moment included; null when there is none.</summary>
    public int? Lowest(TimeSpan since) => FirstSince(_lows, since);

    private static void Add(List<(TimeSpan At, int Value)> line, TimeSpan at, int value, TimeSpan keepSince, int sign)
    {
        var kept = line.Count;
        while (kept > 0 && line[kept - 1].Value * sign <= value * sign)
        {
            kept--;
        }

        line.RemoveRange(kept, line.Count - kept);
        line.Add((at, value));
        var old = 0;
        while (line[old].At < keepSince && old < line.Count - 1)
        {
            old++;
        }

        line.RemoveRange(0, old);
    }

    private static int? FirstSince(List<(TimeSpan At, int Value)> line, TimeSpan since)
    {
        foreach (var (at, value) in line)
        {
            if (at >= since)
            {
                return value;
            }
        }

        return null;
    }
}
