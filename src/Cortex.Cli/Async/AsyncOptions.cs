using System.CommandLine;
using Cortex.Cli.Output;

namespace Cortex.Cli.Async;

/// <summary>Flags and arguments that the commands for Async APIs share.</summary>
internal static class AsyncOptions
{
    /// <summary>The states of a request, as the API has them.</summary>
    public static readonly string[] Statuses = ["in_queue", "in_progress", "completed", "failed", "cancelled"];

    public static Argument<string> Api() => new("API_NAME") { Description = "the name of an AsyncAPI" };

    public static Argument<string> Id() => new("ID") { Description = "the id of a request" };

    public static Argument<string[]> Ids(ArgumentArity arity) => new("ID") { Description = "ids of requests", Arity = arity };

    /// <summary>Results may be larger than memory, so that there is no YAML here.</summary>
    public static Option<OutputFormat> Output() => new("--output", "-o")
    {
        Description = "how the answer is written: pretty or json [default: pretty]",
        HelpName = "FORMAT",
        CompletionSources = { "pretty", "json" },
        CustomParser = result =>
        {
            if (result.Tokens[0].Value is not ("pretty" or "json"))
            {
                result.AddError($"--output is pretty or json, not \"{result.Tokens[0].Value}\"");
            }

            return result.Tokens[0].Value == "json" ? OutputFormat.Json : OutputFormat.Pretty;
        },
    };
}
