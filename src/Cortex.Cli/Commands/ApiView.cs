using System.Globalization;
using System.Text;
using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>One API as <c>get API</c> shows it.</summary>
internal static class ApiView
{
    public static async Task<Rendered> RenderAsync(CliHost host, CortexEnvironment environment, string name, OutputFormat format, bool verbose, bool showEnv, CancellationToken cancellationToken)
    {
        using var client = host.Connect(environment);
        var api = await client.GetAsync(name, showEnv, cancellationToken);
        if (format != OutputFormat.Pretty)
        {
            return Rendered.Data(format, JsonSerializer.SerializeToElement<IReadOnlyList<ApiResponse>>([api], WireJson.Contract.IReadOnlyListApiResponse));
        }

        var kind = api.Metadata?.Kind ?? api.Spec?.Kind ?? ApiKind.RealtimeAPI;
        var style = host.Style;
        var text = new StringBuilder(kind switch
        {
            ApiKind.TrafficSplitter => await TargetsAsync(host, client, environment, api, cancellationToken),
            ApiKind.BatchAPI or ApiKind.TaskAPI => JobTables.Render(kind, api, style, host.Time),
            _ => ApiTables.Render([new ListedApi(environment.Name, api)], showEnvironment: true, style, host.Time),
        });
        if (kind == ApiKind.TrafficSplitter)
        {
            text.Append(SplitterText.Canary(api.Splitter?.Canary, style, host.Time));
            text.Append(CultureInfo.InvariantCulture, $"\n{style.Bold("last updated: ")}{Elapsed.Since(api.Metadata?.LastUpdated ?? 0, host.Time)}\n{style.Bold("endpoint: ")}{api.Endpoint}\n");
        }
        else
        {
            text.Append(ScheduleText.Render(api.Schedule, style, host.Time)).Append(Addresses(api, style));
        }

        text.Append('\n').Append(History(api, style, host.Time));
        if (verbose && api.Spec is { } spec)
        {
            var title = kind switch { ApiKind.BatchAPI => "batch api configuration", ApiKind.TaskAPI => "task api configuration", _ => "configuration" };
            text.Append(CultureInfo.InvariantCulture, $"\n{style.Bold(title)}\n{ConfigDump.Render(spec)}");
        }

        return new Rendered(text.ToString());
    }

    /// <summary>The dashboard and the endpoint, each after a blank line, as far as the operator has them.</summary>
    public static string Addresses(ApiResponse api, Style style) =>
        (string.IsNullOrEmpty(api.DashboardUrl) ? "" : $"\n{style.Bold("metrics dashboard: ")}{api.DashboardUrl}\n")
        + $"\n{style.Bold("endpoint: ")}{api.Endpoint}\n";

    private static string History(ApiResponse api, Style style, TimeProvider time)
    {
        var table = new Table("api id", "last deployed") { Sorted = false };
        foreach (var version in api.ApiVersions ?? [])
        {
            table.Add(version.ApiId, Elapsed.Since(version.LastUpdated, time));
        }

        return table.Render(style);
    }

    private static async Task<string> TargetsAsync(CliHost host, CortexClient client, CortexEnvironment environment, ApiResponse splitter, CancellationToken cancellationToken)
    {
        var table = new Table("env", "apis", "weights", "live", "up-to-date", "last update");
        foreach (var target in splitter.Spec?.Apis ?? [])
        {
            var api = await client.GetAsync(target.Name, cancellationToken: cancellationToken);
            table.Add(
                environment.Name,
                target.Shadow ? $"{target.Name} (shadow)" : target.Name,
                SplitterText.Weight(splitter, target).ToString(CultureInfo.InvariantCulture),
                string.Create(CultureInfo.InvariantCulture, $"{api.Status?.Ready}/{api.Status?.Requested}"),
                string.Create(CultureInfo.InvariantCulture, $"{api.Status?.UpToDate}"),
                Elapsed.Since(api.Metadata?.LastUpdated ?? 0, host.Time));
        }

        return table.Render(host.Style);
    }
}
