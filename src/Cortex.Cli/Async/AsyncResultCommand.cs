using System.CommandLine;
using Cortex.Cli.Commands;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Errors;

namespace Cortex.Cli.Async;

/// <summary>Prints the result of a request, or what the container answered to one that failed.</summary>
internal static class AsyncResultCommand
{
    public static Command Create(CliHost host)
    {
        var api = AsyncOptions.Api();
        var id = AsyncOptions.Id();
        var raw = new Option<bool>("--raw") { Description = "what the container answered, byte for byte, also when it was no JSON and the request has failed" };
        var env = CommonOptions.Env();
        var command = new Command("result", "print a request's result") { api, id, raw, env };
        CommandHelp.AddExamples(command,
            "cortex async result texts ID > result.json",
            "cortex async result texts ID --raw | xxd | head");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), announce: false, cancellationToken);
            var requests = client.Requests(parsed.GetValue(api)!);
            if (!parsed.GetValue(raw))
            {
                return await AsyncGetCommand.WaitAsync(host, requests, parsed.GetValue(id)!, TimeSpan.Zero, OutputFormat.Pretty, cancellationToken);
            }

            await CopyAsync(host, requests, parsed.GetValue(id)!, cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task CopyAsync(CliHost host, ApiRequests requests, string id, CancellationToken cancellationToken)
    {
        using var answer = await requests.AnswerAsync(id, cancellationToken);
        await using var output = host.OpenOutput();
        try
        {
            await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
            var buffer = new byte[64 * 1024];
            for (int count; (count = await body.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                await output.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            }

            await output.FlushAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or HttpIOException)
        {
            throw new CortexException(ClientErrorKinds.BrokenAnswer, $"the answer broke off: {exception.Message}; ask again", exception);
        }
    }
}
