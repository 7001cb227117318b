using System.CommandLine;
using System.Globalization;
using Cortex.Core.Units;

namespace Cortex.Cli.Async;

/// <summary><c>--wait [DURATION]</c>.</summary>
internal static class WaitOption
{
    private const string Name = "--wait";
    private const string Forever = "forever";

    /// <summary>Null without it, <see cref="Timeout.InfiniteTimeSpan"/> without a duration.</summary>
    public static Option<TimeSpan?> Create() => new(Name, "-w")
    {
        Description = "wait until it is done, at most so long; without a duration for as long as it takes",
        HelpName = "DURATION",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result => result.Tokens is not [var token] || token.Value == Forever ? Timeout.InfiniteTimeSpan
            : Read(token.Value) is { } wait ? wait
            : Refuse(result, $"--wait is a duration such as 30s or 5m, not \"{token.Value}\""),
    };

    /// <summary>Keeps the word behind <c>--wait</c> from being taken for its duration when it is none: <c>--wait texts</c>.</summary>
    public static string[] Expand(string[] words)
    {
        if (words is not ["async", ..])
        {
            return words;
        }

        for (var i = 0; i < words.Length && words[i] != "--"; i++)
        {
            if (words[i] is Name or "-w" && (i + 1 == words.Length || Read(words[i + 1]) is null))
            {
                words[i] = $"{Name}={Forever}";
            }
        }

        return words;
    }

    /// <summary>A duration, or a number of seconds; null when it is neither, or negative.</summary>
    public static TimeSpan? Read(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds)
        : GoDuration.TryParse(text, out var wait) && wait >= TimeSpan.Zero ? wait
        : null;

    private static TimeSpan? Refuse(System.CommandLine.Parsing.ArgumentResult result, string message)
    {
        result.AddError(message);
        return null;
    }
}
