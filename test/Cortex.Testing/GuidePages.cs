namespace Cortex.Testing;

/// <summary>The documentation that users read.</summary>
public static class GuidePages
{
    /// <summary>Paths below the repository's root.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "README.md",
        .. Directory.GetFiles(Path.Combine(Repository.Root, "docs", "guide"), "*.md", SearchOption.AllDirectories).Concat(Directory.GetFiles(Path.Combine(Repository.Root, "examples"), "*.md", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Repository.Root, path)).Order(StringComparer.Ordinal),
    ];

    public static string Read(string page) => File.ReadAllText(Path.Combine(Repository.Root, page));

    /// <summary>Whether there is such a file or folder in the repository.</summary>
    public static bool Has(string path) => Path.Exists(Path.Combine(Repository.Root, path));

    /// <summary>The fenced blocks of some languages.</summary>
    public static IEnumerable<GuideBlock> Blocks(params string[] languages)
    {
        foreach (var page in All)
        {
            var lines = Read(page).Split('\n');
            for (var start = 0; start < lines.Length; start++)
            {
                if (!lines[start].StartsWith("```", StringComparison.Ordinal))
                {
                    continue;
                }

                var end = Array.FindIndex(lines, start + 1, line => line == "```");
                if (languages.Contains(lines[start][3..]))
                {
                    yield return new GuideBlock($"{page}:{start + 2}", lines[start][3..], string.Join('\n', lines[(start + 1)..end]) + "\n");
                }

                start = end;
            }
        }
    }
}

/// <summary>A fenced block of a page.</summary>
/// <param name="Place">Page and line.</param>
/// <param name="Language">What its fence names.</param>
/// <param name="Text">What stands in it.</param>
public sealed record GuideBlock(string Place, string Language, string Text);
