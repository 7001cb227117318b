using System.CommandLine;
using Cortex.Cli.Commands;
using Cortex.Cli.Output;
using Cortex.Core.Errors;

namespace Cortex.Cli.Async;

/// <summary>Puts failed or cancelled requests back into the queue.</summary>
internal static class AsyncRetryCommand
{
    private const int Page = 1000;

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

            using var client = await AsyncClient.OpenAsync(host, parsed.GetValue(env), parsed.GetValue(api)!, cancellationToken);
            var outcomes = new Outcomes(host, parsed.GetValue(output));
            await foreach (var id in parsed.GetValue(allFailed) ? FailedAsync(client, cancellationToken) : named.ToAsyncEnumerable())
            {
                await outcomes.AddAsync(id, () => client.RetryAsync(id, cancellationToken));
            }

            return await outcomes.FinishAsync();
        });
        return command;
    }

    private static async IAsyncEnumerable<string> FailedAsync(AsyncClient client, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var page in AsyncListCommand.PagesAsync(client, "failed", Page, cursor: null, all: true, cancellationToken))
        {
            foreach (var request in page.GetProperty("requests").EnumerateArray())
            {
                yield return request.GetProperty("id").GetString() ?? throw new CortexException("cli.response_unknown", $"{client.Api} listed a request without an id; compare `cortex version`");
            }
        }
    }
}
