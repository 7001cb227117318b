using System.CommandLine;
using System.Text.Json;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Client.Environments;
using Cortex.Core.Errors;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>Lists APIs, or shows one API or one job.</summary>
internal static class GetCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.OptionalApiName();
        var job = CommonOptions.JobId();
        var env = CommonOptions.Env();
        var watch = CommonOptions.Watch();
        var output = CommonOptions.Output();
        var verbose = new Option<bool>("--verbose", "-v") { Description = "show the API's configuration too" };
        var showEnv = CommonOptions.ShowEnv();
        var command = new Command("get", "list APIs, or show one API or job") { name, job, env, watch, output, verbose, showEnv };
        CommandHelp.AddExamples(command,
            "cortex get",
            "cortex get iris --verbose",
            "cortex get train 6715ccc7077c27ff --watch",
            "cortex get iris -o json");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(output);
            var (apiName, jobId, environmentName) = (parsed.GetValue(name), parsed.GetValue(job), parsed.GetValue(env));
            var progress = parsed.GetValue(watch) ? new JobProgress(host.Time) : null;
            Func<CancellationToken, Task<Rendered>> render;
            if (apiName is null && environmentName is null)
            {
                render = token => ListEverywhereAsync(host, format, token);
            }
            else
            {
                var environment = await EnvironmentResolver.ResolveAsync(host, environmentName, announce: format == OutputFormat.Pretty && !parsed.GetValue(watch), cancellationToken);
                render = apiName is null ? token => ListAsync(host, environment, format, token)
                    : jobId is null ? token => ApiView.RenderAsync(host, environment, apiName, format, parsed.GetValue(verbose), parsed.GetValue(showEnv), token)
                    : token => JobPage.RenderAsync(host, environment, apiName, jobId, format, progress, token);
            }

            return await Watch.RunAsync(host, parsed, parsed.GetValue(watch), render, cancellationToken);
        });
        return command;
    }

    private static async Task<Rendered> ListAsync(CliHost host, CortexEnvironment environment, OutputFormat format, CancellationToken cancellationToken)
    {
        using var client = host.Connect(environment);
        var apis = await ListAsync(client, format, cancellationToken);
        if (format != OutputFormat.Pretty)
        {
            return Rendered.Data(format, JsonSerializer.SerializeToElement(apis, WireJson.Contract.IReadOnlyListApiResponse));
        }

        return new Rendered(apis.Count == 0
            ? host.Style.Bold("no apis are deployed")
            : ApiTables.Render([.. apis.Select(api => new ListedApi(environment.Name, api))], showEnvironment: false, host.Style, host.Time));
    }

    private static async Task<Rendered> ListEverywhereAsync(CliHost host, OutputFormat format, CancellationToken cancellationToken)
    {
        var environments = EnvironmentChoice.All(host.Surroundings);
        if (environments.Count == 0)
        {
            // Says so, with what to do about it.
            await EnvironmentResolver.ResolveAsync(host, name: null, announce: false, cancellationToken);
        }

        var found = await Task.WhenAll(environments.Select(environment => AskAsync(host, environment, format, cancellationToken)));
        var failed = found.Where(each => each.Error.Length > 0).ToArray();
        var apis = found.SelectMany(each => (each.Apis ?? []).Select(api => new ListedApi(each.EnvName, api))).ToArray();
        var exitCode = apis.Length == 0 && failed.Length > 0 ? ExitCodes.Failure : ExitCodes.Success;
        if (format != OutputFormat.Pretty)
        {
            return Rendered.Data(format, JsonSerializer.SerializeToElement(found, CliJson.Compact.IReadOnlyListEnvironmentApis)) with { ExitCode = exitCode };
        }

        if (apis.Length > 0)
        {
            var tables = ApiTables.Render(apis, showEnvironment: true, host.Style, host.Time);
            return new Rendered(failed.Length == 0 ? tables : $"{tables}\n{Undetected(failed)}");
        }

        if (failed.Length == 0)
        {
            return new Rendered(host.Style.Bold("no apis are deployed"));
        }

        var empty = found.Except(failed).Select(each => each.EnvName).ToArray();
        return new Rendered(empty.Length == 0 ? "" : $"no apis are deployed in environment(s): {string.Join(", ", empty)}") { ExitCode = exitCode, Error = failed[0].Error };
    }

    private static async Task<EnvironmentApis> AskAsync(CliHost host, CortexEnvironment environment, OutputFormat format, CancellationToken cancellationToken)
    {
        try
        {
            using var client = host.Connect(environment);
            return new EnvironmentApis(environment.Name, await ListAsync(client, format, cancellationToken), "");
        }
        catch (CortexException exception)
        {
            return new EnvironmentApis(environment.Name, null, exception.Message);
        }
    }

    // People are shown tables only.
    private static Task<IReadOnlyList<ApiResponse>> ListAsync(CortexClient client, OutputFormat format, CancellationToken cancellationToken) =>
        format == OutputFormat.Pretty ? client.GetBrieflyAsync(cancellationToken) : client.GetAsync(cancellationToken);

    private static string Undetected(EnvironmentApis[] failed) => failed is [var one]
        ? $"unable to detect apis from the {one.EnvName} environment; run `cortex get --env {one.EnvName}` if this is unexpected"
        : $"unable to detect apis from the {string.Join(", ", failed[..^1].Select(each => each.EnvName))} and {failed[^1].EnvName} environments; run `cortex get --env ENV_NAME` if this is unexpected";
}
