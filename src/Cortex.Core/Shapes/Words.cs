namespace Cortex.Core.Shapes;

/// <summary>Wording of error messages.</summary>
public static class Words
{
    private const int LongestCompared = 64;

    // More of them are not told one by one.
    private const int MostListed = 12;

    /// <summary>Joins words to <c>a, b and c</c>.</summary>
    public static string Join(IReadOnlyList<string> words, string conjunction) => words.Count switch
    {
        0 => "",
        1 => words[0],
        _ => $"{string.Join(", ", words.Take(words.Count - 1))} {conjunction} {words[^1]}",
    };

    /// <summary>The candidate that a misspelt word most likely means; null when none is near.</summary>
    public static string? Closest(string word, IReadOnlyList<string> candidates)
    {
        if (word.Length is 0 or > LongestCompared)
        {
            return null;
        }

        // A third of the letters may be wrong: enough for typos, too few for another word.
        var normal = Normalize(word);
        var (best, least) = ((string?)null, int.MaxValue);
        foreach (var candidate in candidates)
        {
            var most = Math.Min(Math.Max(1, Math.Min(word.Length, candidate.Length) / 3), least - 1);
            if (Math.Abs(normal.Length - Normalize(candidate).Length) <= most && Distance(normal, Normalize(candidate)) is var distance && distance <= most)
            {
                (best, least) = (candidate, distance);
            }
        }

        return best;
    }

    /// <summary>What a misspelt key may mean: the nearest key, or all of them when there are few.</summary>
    /// <param name="word">The misspelt key.</param>
    /// <param name="known">The keys that there are; at least one.</param>
    public static string Hint(string word, IReadOnlyList<string> known)
    {
        if (Closest(word, known) is { } closest)
        {
            return $"did you mean `{closest}`?";
        }

        if (known.Count <= MostListed)
        {
            return $"the keys here are {Join([.. known.Select(name => $"`{name}`")], "and")}";
        }

        var normal = Normalize(word.Length <= LongestCompared ? word : word[..LongestCompared]);
        return $"the nearest of the {known.Count} keys here is `{known.MinBy(name => Distance(normal, Normalize(name)))}`";
    }

    // minReplicas, min-replicas and MIN_REPLICAS all mean min_replicas.
    private static string Normalize(string word) => word.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToUpperInvariant();

    // Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
    private static int Distance(string from, string to)
    {
        // Three rows are enough: this one and the two before it.
        var width = to.Length + 1;
        Span<int> cost = width <= LongestCompared + 1 ? stackalloc int[3 * (LongestCompared + 1)] : new int[3 * width];
        Span<int> Row(Span<int> all, int i) => all.Slice(i % 3 * width, width);
        for (var i = 0; i <= from.Length; i++)
        {
            var row = Row(cost, i);
            for (var j = 0; j <= to.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    row[j] = i + j;
                    continue;
                }

                var change = from[i - 1] == to[j - 1] ? 0 : 1;
                row[j] = Math.Min(Row(cost, i - 1)[j - 1] + change, Math.Min(Row(cost, i - 1)[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    row[j] = Math.Min(row[j], Row(cost, i - 2)[j - 2] + 1);
                }
            }
        }

        return Row(cost, from.Length)[to.Length];
    }
}
