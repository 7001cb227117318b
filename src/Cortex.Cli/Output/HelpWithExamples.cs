using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace Cortex.Cli.Output;

/// <summary>The usual help, with examples at its end for commands that have some.</summary>
internal sealed class HelpWithExamples : SynchronousCommandLineAction
{
    private static readonly ConditionalWeakTable<Command, string[]> _examples = [];

    /// <summary>Gives a command examples: whole lines, shown as they are.</summary>
    public static void Add(Command command, params string[] lines) => _examples.Add(command, lines);

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var exitCode = new HelpAction().Invoke(parseResult);
        if (_examples.TryGetValue(parseResult.CommandResult.Command, out var lines))
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"Examples:\n{string.Concat(lines.Select(line => $"  {line}\n"))}");
        }

        return exitCode;
    }
}
