using System.Globalization;
using System.Text;

namespace Cortex.Core.Specs;

/// <summary>What a container is started with: its variables, command and arguments with every reference replaced.</summary>
/// <remarks>
/// Linux starts no program with a longer argument or variable than <see cref="MaxWord"/>, and container engines hang on trying. It is
/// looked for when an API is deployed, and again when a container is made.
/// </remarks>
/// <param name="Env">The variables in order.</param>
/// <param name="Command">Replaces the image's entry point; null keeps it.</param>
/// <param name="Args">Replaces the image's arguments; null keeps them.</param>
public sealed record LaunchText(IReadOnlyList<KeyValuePair<string, string>> Env, IReadOnlyList<string>? Command, IReadOnlyList<string>? Args)
{
    /// <summary>Bytes of one argument, and of one variable with its name and the sign between them: Linux takes 128 KiB with the zero at the end.</summary>
    public const int MaxWord = (128 * 1024) - 1;

    /// <summary>Bytes of all of them together: 1 MiB. Linux takes twice as much, and an image has variables of its own.</summary>
    public const int MaxTotal = 1024 * 1024;

    // The zero at the end, and the pointer that the kernel keeps.
    private const int WordOverhead = 9;

    /// <summary>The variables that every container of a pod has, before its own.</summary>
    /// <param name="port">The port that requests are sent to; null when there is none.</param>
    /// <param name="version">The version of Cortex.</param>
    public static IReadOnlyList<KeyValuePair<string, string>> OwnEnv(long? port, string version)
    {
        KeyValuePair<string, string>[] own =
        [
            new("CORTEX_VERSION", version),
            new("CORTEX_LOG_LEVEL", "INFO"),
            new("CORTEX_CLI_CONFIG_DIR", "/cortex/client"),
        ];
        return port is null ? own : [.. own, new("CORTEX_PORT", port.Value.ToString(CultureInfo.InvariantCulture))];
    }

    /// <summary>Replaces every reference. A variable may refer to those before it, words to all of them.</summary>
    /// <param name="env">The variables; of several with one name the last holds.</param>
    /// <param name="command">The command; empty counts as null.</param>
    /// <param name="args">The arguments; empty counts as null.</param>
    /// <param name="fault">What is too long, when the result is null.</param>
    public static LaunchText? Expand(
        IReadOnlyList<KeyValuePair<string, string>> env, IReadOnlyList<string>? command, IReadOnlyList<string>? args, out LaunchFault? fault)
    {
        var room = MaxTotal;
        fault = null;
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in env)
        {
            var path = $"env.{name}";
            var text = VariableExpansion.Expand(value, variables, MaxWord);
            if (!Take(path, text, Encoding.UTF8.GetByteCount(name) + 1, ref room, ref fault))
            {
                return null;
            }

            variables[name] = text!;
        }

        return TryExpand("command", command, variables, ref room, ref fault, out var entry) && TryExpand("args", args, variables, ref room, ref fault, out var words)
            ? new LaunchText([.. variables], entry, words)
            : null;
    }

    /// <summary>Whether a program can be started with these words as they stand.</summary>
    /// <param name="path">Where they stand, for the fault.</param>
    /// <param name="words">The words.</param>
    /// <param name="fault">What is too long; null when nothing is.</param>
    public static bool Fits(string path, IReadOnlyList<string> words, out LaunchFault? fault)
    {
        var room = MaxTotal;
        fault = null;
        for (var i = 0; i < words.Count; i++)
        {
            if (!Take(Item(path, i), words[i], 0, ref room, ref fault))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryExpand(
        string path, IReadOnlyList<string>? words, Dictionary<string, string> variables, ref int room, ref LaunchFault? fault, out IReadOnlyList<string>? expanded)
    {
        expanded = null;
        if (words is not { Count: > 0 })
        {
            return true;
        }

        var result = new List<string>(words.Count);
        for (var i = 0; i < words.Count; i++)
        {
            var text = VariableExpansion.Expand(words[i], variables, MaxWord);
            if (!Take(Item(path, i), text, 0, ref room, ref fault))
            {
                return false;
            }

            result.Add(text!);
        }

        expanded = result;
        return true;
    }

    private static bool Take(string path, string? text, int more, ref int room, ref LaunchFault? fault)
    {
        var bytes = text is null ? int.MaxValue : Encoding.UTF8.GetByteCount(text) + more;
        if (bytes > MaxWord)
        {
            fault = new(path, $"is longer than {MaxWord} bytes once every $(NAME) in it is replaced, and Linux starts no program with that; put the text into a file or into the image");
            return false;
        }

        room -= bytes + WordOverhead;
        if (room < 0)
        {
            fault = new(path, $"makes command, args and env together larger than 1 MiB once every $(NAME) in them is replaced; put long texts into files or into the image");
        }

        return room >= 0;
    }

    private static string Item(string path, int index) => string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]");
}

/// <summary>Why a container can't be started with what it has.</summary>
/// <param name="Path">Where in the container, such as <c>env.NAME</c> or <c>args[2]</c>.</param>
/// <param name="Detail">What is wrong and how to mend it.</param>
public sealed record LaunchFault(string Path, string Detail);
