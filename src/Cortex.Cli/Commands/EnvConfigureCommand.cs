using System.CommandLine;
using Cortex.Cli.Client;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>Adds an environment or changes it.</summary>
internal static class EnvConfigureCommand
{
    public static Command Create(CliHost host)
    {
        var name = new Argument<string?>("ENVIRONMENT_NAME") { Description = "the environment's name", Arity = ArgumentArity.ZeroOrOne };
        var endpoint = new Option<string?>("--operator-endpoint", "-o") { Description = "the operator's address", HelpName = "URL" };
        var token = new Option<string?>("--token") { Description = "the operator's bearer token", HelpName = "TOKEN" };
        var command = new Command("configure", "add or change an environment") { name, endpoint, token };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await ConfigureAsync(host, parsed.GetValue(name), parsed.GetValue(endpoint), parsed.GetValue(token), host.Out, cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Asks for what is missing, checks that an operator answers there, and stores the environment.</summary>
    public static async Task<CliEnvironment> ConfigureAsync(CliHost host, string? name, string? endpoint, string? token, TextWriter output, CancellationToken cancellationToken)
    {
        name ??= await AskAsync(host, "name of the environment", null, "ENVIRONMENT_NAME", cancellationToken);
        if (name.Length is 0 or > CliEnvironment.LongestName)
        {
            throw new CortexException("error", $"an environment's name has 1 to {CliEnvironment.LongestName} characters");
        }

        var config = host.Config.Load();
        var existing = config.Find(name);
        endpoint ??= await AskAsync(host, "operator endpoint", existing?.OperatorEndpoint ?? host.Variable("CORTEX_OPERATOR_ENDPOINT"), "--operator-endpoint", cancellationToken);
        var address = OperatorEndpoint.Normalize(endpoint);

        // A token belongs to an operator: it is never carried over to another address.
        token ??= existing?.OperatorEndpoint == address ? existing.Token : null;
        var environment = new CliEnvironment { Name = name, OperatorEndpoint = address, Token = token };
        using (var client = new OperatorClient(host, environment))
        {
            await client.VerifyAsync(cancellationToken);
        }

        host.Config.Save(config.With(environment));
        await output.WriteLineAsync($"configured {name} environment");
        return environment;
    }

    private static async Task<string> AskAsync(CliHost host, string question, string? defaultAnswer, string flag, CancellationToken cancellationToken) =>
        await Prompt.AskAsync(host, question, defaultAnswer, cancellationToken)
        ?? throw new CortexException("error", $"there is nobody to ask for the {question}; give {flag}");
}
