using System.CommandLine;
using System.Text.Json;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>Replaces all replicas of an API without changing it.</summary>
internal static class RefreshCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.ApiName();
        var env = CommonOptions.Env();
        var force = CommonOptions.Force("refresh even while an update is in progress");
        var output = CommonOptions.Output();
        var command = new Command("refresh", "restart all replicas of an API, without downtime") { name, env, force, output };
        CommandHelp.AddExamples(command, "cortex refresh iris");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(output);
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), format == OutputFormat.Pretty, cancellationToken);
            Print(host, format, await client.RefreshAsync(parsed.GetValue(name)!, parsed.GetValue(force), cancellationToken));
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Prints an answer that is only a sentence.</summary>
    public static void Print(CliHost host, OutputFormat format, MessageResponse answer)
    {
        if (format == OutputFormat.Pretty)
        {
            host.Out.WriteLine(host.Style.Bold(answer.Message));
        }
        else
        {
            Answer.Write(host, format, JsonSerializer.SerializeToElement(answer, WireJson.Contract.MessageResponse));
        }
    }
}
