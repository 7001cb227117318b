using System.CommandLine;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;
using System.Text;

namespace Cortex.Cli.Output;

/// <summary>What <c>--help</c> prints.</summary>
internal sealed class CommandHelp : SynchronousCommandLineAction
{
    private static readonly ConditionalWeakTable<Command, string[]> _examples = [];

    /// <summary>Gives a command examples: whole lines, shown as they are.</summary>
    public static void AddExamples(Command command, params string[] lines) => _examples.Add(command, lines);

    /// <summary>The examples of a command; none for a group.</summary>
    public static IReadOnlyList<string> ExamplesOf(Command command) => _examples.TryGetValue(command, out var lines) ? lines : [];

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.Write(Render(parseResult.CommandResult.Command));
        return ExitCodes.Success;
    }

    /// <summary>The whole text, with a newline at its end.</summary>
    public static string Render(Command command)
    {
        var commands = command.Subcommands.Where(each => !each.Hidden).ToArray();
        var text = new StringBuilder().Append(command.Description).Append("\n\nUsage:\n  ").Append(Usage(command)).Append('\n');
        Append(text, "Commands:", commands.Select(each => (each.Name + Arguments(each), each.Description)));
        Append(text, "Arguments:", command.Arguments.Select(each => (each.Name, each.Description)));
        Append(text, "Flags:", FlagsOf(command).Select(flag => (Signature(flag), flag.Description)));
        if (ExamplesOf(command) is { Count: > 0 } examples)
        {
            text.Append("\nExamples:\n").AppendJoin("", examples.Select(line => $"  {line}\n"));
        }
        else if (commands.Length > 0)
        {
            text.Append("\n`").Append(PathOf(command)).Append(" COMMAND --help` says more of one.\n");
        }

        return text.ToString();
    }

    /// <summary>Such as <c>cortex get [API_NAME] [JOB_ID] [flags]</c>.</summary>
    public static string Usage(Command command) =>
        PathOf(command) + (command.Subcommands.Count > 0 ? " COMMAND" : Arguments(command)) + " [flags]";

    /// <summary>Such as <c>cortex cluster up</c>.</summary>
    public static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{PathOf(parent)} {command.Name}" : command.Name;

    /// <summary>A command's own flags and those that every command has.</summary>
    public static IEnumerable<Option> FlagsOf(Command command)
    {
        var inherited = Ancestors(command).SelectMany(each => each.Options.Where(option => option.Recursive));
        return command.Options.Concat(inherited).Distinct().Where(option => !option.Hidden);
    }

    /// <summary>Whether a flag has to be followed by a value.</summary>
    public static bool TakesValue(Option option) => option.Arity.MinimumNumberOfValues > 0;

    private static IEnumerable<Command> Ancestors(Command command) =>
        command.Parents.OfType<Command>().SelectMany(parent => Ancestors(parent).Prepend(parent));

    private static string Arguments(Command command) => string.Concat(command.Arguments.Select(argument =>
    {
        var name = argument.Arity.MaximumNumberOfValues > 1 ? argument.Name + "..." : argument.Name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $" [{name}]" : $" {name}";
    }));

    private static string Signature(Option option)
    {
        var letters = option.Aliases.Where(alias => alias.Length == 2).Select(alias => alias + ", ");
        var value = option.HelpName is not { } placeholder ? "" : TakesValue(option) ? " " + placeholder : $" [{placeholder}]";
        return string.Concat(letters.DefaultIfEmpty("    ")) + option.Name + value;
    }

    private static void Append(StringBuilder text, string title, IEnumerable<(string Name, string? Description)> entries)
    {
        var lines = entries.ToArray();
        if (lines.Length == 0)
        {
            return;
        }

        var width = lines.Max(line => line.Name.Length) + 2;
        text.Append('\n').Append(title).Append('\n').AppendJoin("", lines.Select(line => $"  {line.Name.PadRight(width)}{line.Description}\n"));
    }
}
