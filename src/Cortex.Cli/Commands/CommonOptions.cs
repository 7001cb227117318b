using System.CommandLine;
using Cortex.Cli.Output;

namespace Cortex.Cli.Commands;

/// <summary>Flags and arguments that several commands have.</summary>
internal static class CommonOptions
{
    public const string InsecureName = "--insecure";

    /// <summary>The old way of Cortex, for operators whose certificate nobody can check. Every command has it.</summary>
    public static Option<bool> Insecure() => new(InsecureName) { Description = "accept any certificate of an https operator", Recursive = true };

    public static Option<string?> Env() => new("--env", "-e") { Description = "the environment to use", HelpName = "ENVIRONMENT_NAME" };

    public static Option<bool> Force(string description) => new("--force", "-f") { Description = description };

    public static Option<bool> Yes(string description) => new("--yes", "-y") { Description = description };

    public static Option<bool> ShowEnv() => new("--show-env") { Description = "show the values of environment variables too, which are hidden otherwise" };

    public static Option<bool> Watch() => new("--watch", "-w") { Description = "show it again every 2 seconds" };

    public static Option<string?> ClusterConfig() => new("--config", "-c") { Description = "a cluster configuration file that names the cluster", HelpName = "FILE" };

    public static Option<string?> ClusterName() => new("--name", "-n") { Description = "the cluster's name", HelpName = "CLUSTER_NAME" };

    /// <summary>Without a short form: <c>-e</c> of <c>cluster info</c> is another flag.</summary>
    public static Option<string?> ClusterEnv() => new("--env") { Description = "the cluster of this environment", HelpName = "ENVIRONMENT_NAME" };

    /// <summary>A cluster on this machine has no region; the flag is accepted for scripts that give it.</summary>
    public static Option<string?> ClusterRegion() => new("--region", "-r") { Description = "accepted for compatibility; a cluster on this machine has no region", HelpName = "REGION" };

    public static Option<OutputFormat> Output() => new("--output", "-o")
    {
        Description = "how the answer is written: pretty, json or yaml [default: pretty]",
        HelpName = "FORMAT",
        CompletionSources = { "pretty", "json", "yaml" },
        CustomParser = result =>
        {
            switch (result.Tokens[0].Value)
            {
                case "pretty":
                    return OutputFormat.Pretty;
                case "json":
                    return OutputFormat.Json;
                case "yaml":
                    return OutputFormat.Yaml;
                default:
                    result.AddError($"--output is pretty, json or yaml, not \"{result.Tokens[0].Value}\"");
                    return OutputFormat.Pretty;
            }
        },
    };

    public static Argument<string> ApiName() => new("API_NAME") { Description = "the name of an API" };

    public static Argument<string?> OptionalApiName() => new("API_NAME") { Description = "the name of an API", Arity = ArgumentArity.ZeroOrOne };

    public static Argument<string?> JobId() => new("JOB_ID") { Description = "the id of one of its jobs", Arity = ArgumentArity.ZeroOrOne };

    public static Argument<string?> OptionalEnvironmentName(string description) => new("ENVIRONMENT_NAME") { Description = description, Arity = ArgumentArity.ZeroOrOne };
}
