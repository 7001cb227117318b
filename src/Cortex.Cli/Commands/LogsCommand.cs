using System.CommandLine;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Client.Logs;

namespace Cortex.Cli.Commands;

/// <summary>Follows the logs of an API's replicas.</summary>
internal static class LogsCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.ApiName();
        var job = CommonOptions.JobId();
        var env = CommonOptions.Env();
        var yes = CommonOptions.Yes("accepted for compatibility; nothing is asked");
        var randomPod = new Option<bool>("--random-pod") { Description = "only one replica's logs" };
        var tail = new Option<int?>("--tail") { Description = "start with the last LINES lines of each container", HelpName = "LINES" };
        tail.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var lines) && lines < 0)
            {
                result.AddError("--tail is 0 or more lines");
            }
        });
        var noFollow = new Option<bool>("--no-follow") { Description = "print what there is and end" };
        var command = new Command("logs", "follow the logs of an API's replicas") { name, job, env, yes, randomPod, tail, noFollow };
        CommandHelp.AddExamples(command,
            "cortex logs iris",
            "cortex logs iris --tail 100 --no-follow",
            "cortex logs train 6715ccc7077c27ff");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), announce: true, cancellationToken);
            var options = new LogOptions
            {
                JobId = parsed.GetValue(job),
                AllReplicas = !parsed.GetValue(randomPod),
                Tail = parsed.GetValue(tail),
                Follow = !parsed.GetValue(noFollow),
            };
            try
            {
                // In pieces as they come, which may be many lines, or a part of one.
                await foreach (var text in LogStream.ChunksAsync(client, parsed.GetValue(name)!, options, cancellationToken))
                {
                    await host.Out.WriteAsync(text, CancellationToken.None);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Ctrl-C is how following ends.
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
