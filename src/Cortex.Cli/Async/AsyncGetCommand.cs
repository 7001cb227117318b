using System.CommandLine;
using Cortex.Cli.Commands;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client;

namespace Cortex.Cli.Async;

/// <summary>Fetches the result of a request.</summary>
internal static class AsyncGetCommand
{
    public static Command Create(CliHost host)
    {
        var api = AsyncOptions.Api();
        var id = AsyncOptions.Id();
        var wait = WaitOption.Create();
        var env = CommonOptions.Env();
        var output = AsyncOptions.Output();
        var command = new Command("get", "print a request's result; exits with 0 when it is completed, 1 when it failed or was cancelled, 3 before") { api, id, wait, env, output };
        CommandHelp.AddExamples(command,
            "cortex async get texts ID > result.json",
            "cortex async get texts ID --wait 10m",
            "cortex async get texts ID -o json | jq .status");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), announce: false, cancellationToken);
            var requests = client.Requests(parsed.GetValue(api)!);
            return await WaitAsync(host, requests, parsed.GetValue(id)!, parsed.GetValue(wait) ?? TimeSpan.Zero, parsed.GetValue(output), cancellationToken);
        });
        return command;
    }

    /// <summary>Shows a request, and on Ctrl-C says how to go on.</summary>
    public static async Task<int> WaitAsync(CliHost host, ApiRequests requests, string id, TimeSpan wait, OutputFormat format, CancellationToken cancellationToken)
    {
        try
        {
            return await AsyncResult.ShowAsync(host, requests, id, wait, format, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && wait != TimeSpan.Zero)
        {
            await host.Error.WriteLineAsync($"the request goes on; `cortex async get {requests.ApiName} {id} --wait` waits again, `cortex async cancel {requests.ApiName} {id}` ends it");
            throw;
        }
    }
}
