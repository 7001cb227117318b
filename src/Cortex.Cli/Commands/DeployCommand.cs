using System.CommandLine;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>Creates or updates the APIs of a configuration file.</summary>
internal static class DeployCommand
{
    private const string DefaultFile = "cortex.yaml";

    public static Command Create(CliHost host)
    {
        var file = new Argument<string?>("CONFIG_FILE") { Description = $"the API configuration [default: {DefaultFile}]", Arity = ArgumentArity.ZeroOrOne };
        var env = CommonOptions.Env();
        var force = CommonOptions.Force("update even while another update is in progress");
        var yes = CommonOptions.Yes("accepted for compatibility; nothing is asked");
        var output = CommonOptions.Output();
        var wait = DeployOutcome.Wait("wait until every realtime and async API is updated and ready");
        var timeout = DeployOutcome.Timeout();
        var command = new Command("deploy", "create or update APIs") { file, env, force, yes, output, wait, timeout };
        CommandHelp.AddExamples(command,
            "cortex deploy --wait",
            "cortex deploy apis/iris.yaml --env prod --wait --timeout 5m");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = Locate(host, parsed.GetValue(file));
            var content = await File.ReadAllBytesAsync(path, cancellationToken);
            var format = parsed.GetValue(output);
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), format == OutputFormat.Pretty, cancellationToken);
            var results = await client.DeployAsync(Path.GetFileName(path), content, parsed.GetValue(force), cancellationToken);
            return await DeployOutcome.ReportAsync(host, client, format, results, parsed.GetValue(wait) ? parsed.GetValue(timeout) : null, cancellationToken);
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
}
