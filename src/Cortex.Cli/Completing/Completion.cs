using System.CommandLine;
using System.CommandLine.Completions;
using Cortex.Cli.Clusters;
using Cortex.Cli.Commands;
using Cortex.Cli.Output;
using Cortex.Client.Environments;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Completing;

/// <summary>What can stand at the cursor: commands, flags, and the names of what there is.</summary>
internal static class Completion
{
    /// <summary>The word by which the shells' scripts ask. Not a command: nobody types it.</summary>
    public const string Verb = "__complete";

    /// <summary>What the scripts take for the names of files.</summary>
    public const string Files = ":files";

    /// <summary>The longest that somebody at a shell is kept waiting for names.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Prints a line for each candidate. Never asks, never changes anything, and says nothing when it knows nothing.</summary>
    /// <param name="host">Where to print, and where names are.</param>
    /// <param name="root">All commands.</param>
    /// <param name="words">What was typed behind the program's name, up to the cursor; the last one is what is completed, and may be empty.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<int> RunAsync(CliHost host, Command root, string[] words, CancellationToken cancellationToken)
    {
        var current = words.LastOrDefault("");
        var spot = CompletionSpot.Of(root, words.SkipLast(1).ToArray(), current);
        foreach (var candidate in await CandidatesAsync(host, spot, current, cancellationToken))
        {
            // One that is none, from whatever answered, would break the line that somebody types.
            if (candidate == Files || (candidate.StartsWith(current, StringComparison.Ordinal) && !candidate.Any(char.IsControl)))
            {
                host.Out.Write($"{candidate}\n");
            }
        }

        return ExitCodes.Success;
    }

    /// <summary>Whether the values of an argument or a flag are completed: by names of what there is, by files, or by the words that it takes.</summary>
    public static bool Knows(Symbol symbol) => IsFile(Placeholder(symbol)) || IsNamed(Placeholder(symbol)) || WordsOf(symbol).Any();

    private static async Task<IEnumerable<string>> CandidatesAsync(CliHost host, CompletionSpot spot, string current, CancellationToken cancellationToken)
    {
        if (spot.Expected is { } expected)
        {
            var placeholder = Placeholder(expected);
            return IsFile(placeholder) ? [Files] : IsNamed(placeholder) ? await NamesAsync(host, spot, placeholder, cancellationToken) : WordsOf(expected);
        }

        var commands = spot.Command.Subcommands.Where(each => !each.Hidden).Select(each => each.Name);
        return current.StartsWith('-') || !commands.Any() ? CommandHelp.FlagsOf(spot.Command).SelectMany(flag => flag.Aliases.Append(flag.Name))
            : spot.Arguments.Count > 0 ? []   // a command that there is not
            : commands;
    }

    private static async Task<IReadOnlyList<string>> NamesAsync(CliHost host, CompletionSpot spot, string placeholder, CancellationToken cancellationToken)
    {
        try
        {
            switch (placeholder)
            {
                case "ENVIRONMENT_NAME" or "EXISTING_NAME":
                    return [.. host.Config.Load().Environments.Select(environment => environment.Name)];
                case "CLUSTER_NAME":
                    return [.. ClusterDirectory.All(host).Select(cluster => cluster.Name)];
            }

            using var deadline = new CancellationTokenSource(Patience, host.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            using var client = host.Connect(EnvironmentChoice.Choose(host.Surroundings, spot.Environment));
            if (placeholder == "API_NAME")
            {
                var apis = await client.GetBrieflyAsync(either.Token);
                return [.. apis.Select(api => api.Metadata).OfType<ApiMetadata>().Where(api => Fits(spot.Command, api.Kind)).Select(api => api.Name).Order(StringComparer.Ordinal)];
            }

            var api = spot.Arguments is [var name, ..] ? await client.GetAsync(name, cancellationToken: either.Token) : null;
            return placeholder == "API_ID"
                ? [.. (api?.ApiVersions ?? []).Select(version => version.ApiId)]
                : [.. (api?.BatchJobStatuses ?? []).Concat(api?.TaskJobStatuses ?? []).Select(job => JobTables.Text(job, "job_id"))];
        }
        catch (Exception exception) when (exception is CortexException or OperationCanceledException or IOException or UnauthorizedAccessException)
        {
            // Somebody is typing: a word about it would stand in the middle of the line.
            return [];
        }
    }

    private static bool Fits(Command command, ApiKind kind) => command.Parents.FirstOrDefault()?.Name switch
    {
        "async" => kind == ApiKind.AsyncAPI,
        "job" => kind is ApiKind.BatchAPI or ApiKind.TaskAPI,
        _ => true,
    };

    private static string Placeholder(Symbol symbol) => symbol is Option option ? option.HelpName ?? "" : symbol.Name;

    private static bool IsFile(string placeholder) => placeholder is "FILE" or "CONFIG_FILE" or "CLUSTER_CONFIG_FILE";

    private static bool IsNamed(string placeholder) => placeholder is "API_NAME" or "API_ID" or "JOB_ID" or "ENVIRONMENT_NAME" or "EXISTING_NAME" or "CLUSTER_NAME";

    private static IEnumerable<string> WordsOf(Symbol symbol) => symbol.GetCompletions(CompletionContext.Empty).Select(item => item.Label);
}
