using System.CommandLine;
using System.Text.Json;
using Cortex.Cli.Client;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>Creates or updates the APIs of a configuration file.</summary>
internal static class DeployCommand
{
    private const string DefaultFile = "cortex.yaml";

    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(10);

    public static Command Create(CliHost host)
    {
        var file = new Argument<string?>("CONFIG_FILE") { Description = $"the API configuration [default: {DefaultFile}]", Arity = ArgumentArity.ZeroOrOne };
        var env = CommonOptions.Env();
        var force = CommonOptions.Force("update even while another update is in progress");
        var yes = CommonOptions.Yes("accepted for compatibility; nothing is asked");
        var output = CommonOptions.Output();
        var wait = new Option<bool>("--wait") { Description = "wait until every realtime and async API is updated and ready" };
        var timeout = new Option<TimeSpan>("--timeout")
        {
            Description = "how long --wait waits, such as 90s or 1h30m [default: 10m]",
            HelpName = "DURATION",
            CustomParser = result =>
            {
                if (!GoDuration.TryParse(result.Tokens[0].Value, out var duration) || duration <= TimeSpan.Zero)
                {
                    result.AddError($"--timeout is a duration such as 90s, 10m or 1h30m, not \"{result.Tokens[0].Value}\"");
                }

                return duration;
            },
            DefaultValueFactory = _ => DefaultTimeout,
        };
        var command = new Command("deploy", "create or update APIs") { file, env, force, yes, output, wait, timeout };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = Locate(host, parsed.GetValue(file));
            var content = await File.ReadAllBytesAsync(path, cancellationToken);
            var format = parsed.GetValue(output);
            var environment = await EnvironmentResolver.ResolveAsync(host, parsed.GetValue(env), format == OutputFormat.Pretty, cancellationToken);
            using var client = new OperatorClient(host, environment);
            var results = await client.DeployAsync(Path.GetFileName(path), content, parsed.GetValue(force), cancellationToken);
            var failed = results.Any(result => result.Error.Length > 0);
            Print(host, format, results, failed);

            // What did deploy is still waited for, so that the answer is about all of it.
            var ready = !parsed.GetValue(wait) || await DeployWait.RunAsync(host, client, Waitable(results), parsed.GetValue(timeout), cancellationToken);
            return failed || !ready ? ExitCodes.Failure : ExitCodes.Success;
        });
        return command;
    }

    private static string Locate(CliHost host, string? file)
    {
        var path = host.FullPath(file ?? DefaultFile);
        if (!File.Exists(path))
        {
            throw new CortexException("cli.cortex_yaml_not_found", file is null
                ? $"there is no {DefaultFile} in {host.WorkingDirectory}; name the file: `cortex deploy FILE`"
                : $"there is no file {path}");
        }

        var directory = Path.GetDirectoryName(path)!;
        return directory == "/" || directory == Path.TrimEndingDirectorySeparator(host.HomeDirectory)
            ? throw new CortexException("cli.deploy_from_top_level_dir", $"{path} lies in your home or root directory; give the project a directory of its own and deploy from there")
            : path;
    }

    private static string[] Waitable(IReadOnlyList<DeployResult> results) =>
        [.. results.Select(result => result.Api?.Spec).OfType<DeployedSpec>().Where(spec => spec.Kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI).Select(spec => spec.Name)];

    private static void Print(CliHost host, OutputFormat format, IReadOnlyList<DeployResult> results, bool failed)
    {
        if (format != OutputFormat.Pretty)
        {
            Answer.Write(host, format, JsonSerializer.SerializeToElement(results, WireJson.Contract.IReadOnlyListDeployResult));
            return;
        }

        var messages = results.Where(result => result.Error.Length == 0).Select(result => result.Message).ToArray();
        var errors = results.Where(result => result.Error.Length > 0).Select(result => result.Error).ToArray();
        var (writer, style) = failed ? (host.Error, host.ErrorStyle) : (host.Out, host.Style);
        string[] blocks = [style.Bold(string.Join('\n', messages)), string.Join('\n', errors)];
        writer.WriteLine(string.Join("\n\n", blocks.Where(block => block.Length > 0)));
    }
}
