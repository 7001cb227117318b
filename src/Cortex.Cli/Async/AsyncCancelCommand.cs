using System.CommandLine;
using Cortex.Cli.Commands;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;

namespace Cortex.Cli.Async;

/// <summary>Cancels requests, also those in progress.</summary>
internal static class AsyncCancelCommand
{
    public static Command Create(CliHost host)
    {
        var api = AsyncOptions.Api();
        var ids = AsyncOptions.Ids(ArgumentArity.OneOrMore);
        var env = CommonOptions.Env();
        var output = AsyncOptions.Output();
        var command = new Command("cancel", "cancel requests, also those in progress") { api, ids, env, output };
        CommandHelp.AddExamples(command,
            "cortex async cancel texts ID",
            "cortex async list texts --status in_queue --all -o json | jq -r '.requests[].id' | xargs cortex async cancel texts");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), announce: false, cancellationToken);
            var requests = client.Requests(parsed.GetValue(api)!);
            var outcomes = new Outcomes(host, parsed.GetValue(output));
            foreach (var id in parsed.GetValue(ids)!)
            {
                await outcomes.AddAsync(id, async () => (await requests.CancelAsync(id, cancellationToken)).Json);
            }

            return await outcomes.FinishAsync();
        });
        return command;
    }
}
