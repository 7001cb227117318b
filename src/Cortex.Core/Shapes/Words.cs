namespace Cortex.Core.Shapes;

/// <summary>Wording of error messages.</summary>
internal static class Words
{
    private const int LongestCompared = 64;

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
        var best = candidates
            .Select(candidate => (Word: candidate, Distance: Distance(normal, Normalize(candidate))))
            .Where(found => found.Distance <= Math.Max(1, Math.Min(word.Length, found.Word.Length) / 3))
            .OrderBy(found => found.Distance)
            .FirstOrDefault();
        return best.Word;
    }

    // minReplicas, min-replicas and MIN_REPLICAS all mean min_replicas.
    private static string Normalize(string word) => word.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToUpperInvariant();

    // Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
    private static int Distance(string from, string to)
    {
        var cost = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }

                var change = from[i - 1] == to[j - 1] ? 0 : 1;
                cost[i, j] = Math.Min(cost[i - 1, j - 1] + change, Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
                }
            }
        }

        return cost[from.Length, to.Length];
    }
}
