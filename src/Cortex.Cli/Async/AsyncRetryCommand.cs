using System.CommandLine;
using Cortex.Cli.Commands;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Errors;

namespace Cortex.Cli.Async;

/// <summary>Puts failed or cancelled requests back into the queue.</summary>
internal static class AsyncRetryCommand
{
    public static Command Create(CliHost host)
    {
        var api = AsyncOptions.Api();
        var ids = AsyncOptions.Ids(ArgumentArity.ZeroOrMore);
        var allFailed = new Option<bool>("--all-failed") { Description = "every request that failed" };
        var env = CommonOptions.Env();
        var output = AsyncOptions.Output();
        var command = new Command("retry", "put failed or cancelled requests back into the queue") { api, ids, allFailed, env, output };
        CommandHelp.AddExamples(command,
            "cortex async retry texts ID",
            "cortex async retry texts --all-failed");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var named = parsed.GetValue(ids) ?? [];
            if (named.Length > 0 == parsed.GetValue(allFailed))
            {
                throw new CortexException("error", named.Length > 0 ? "give ids or --all-failed, not both" : "which requests? Name their ids, or give --all-failed");
            }

            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), announce: false, cancellationToken);
            var requests = client.Requests(parsed.GetValue(api)!);
            var outcomes = new Outcomes(host, parsed.GetValue(output));
            await foreach (var id in parsed.GetValue(allFailed) ? FailedAsync(requests, cancellationToken) : named.ToAsyncEnumerable())
            {
                await outcomes.AddAsync(id, async () => (await requests.RetryAsync(id, cancellationToken)).Json);
            }

            return await outcomes.FinishAsync();
        });
        return command;
    }

    private static async IAsyncEnumerable<string> FailedAsync(ApiRequests requests, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var request in requests.ListAsync("failed", cancellationToken))
        {
            yield return request.Id;
        }
    }
}
