using System.Globalization;
using Cortex.Cli.Output;
using Cortex.Core.Specs;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>Lists of APIs, one table per kind.</summary>
internal static class ApiTables
{
    private static readonly ApiKind[] Order = [ApiKind.BatchAPI, ApiKind.TaskAPI, ApiKind.RealtimeAPI, ApiKind.AsyncAPI, ApiKind.TrafficSplitter];

    /// <summary>The tables that have rows, a blank line between them; empty without any API.</summary>
    public static string Render(IReadOnlyList<ListedApi> apis, bool showEnvironment, Style style, TimeProvider time)
    {
        var tables = new List<string>();
        foreach (var kind in Order)
        {
            var table = new Table([.. showEnvironment ? ["env"] : Array.Empty<string>(), .. Headers(kind)]);
            foreach (var (environment, api) in apis.Where(each => each.Api.Metadata?.Kind == kind))
            {
                table.Add([.. showEnvironment ? [environment] : Array.Empty<string>(), .. Cells(kind, api, time)]);
            }

            if (!table.IsEmpty)
            {
                tables.Add(table.Render(style));
            }
        }

        return string.Join('\n', tables);
    }

    private static string[] Headers(ApiKind kind) => kind switch
    {
        ApiKind.BatchAPI => ["batch api", "running jobs", "latest job id", "last update"],
        ApiKind.TaskAPI => ["task api", "running jobs", "latest job id", "last update"],
        ApiKind.RealtimeAPI => ["realtime api", "live", "up-to-date", "last update"],
        ApiKind.AsyncAPI => ["async api", "live", "up-to-date", "queued", "in progress", "last update"],
        _ => ["traffic splitter", "apis", "last update"],
    };

    private static string[] Cells(ApiKind kind, ApiResponse api, TimeProvider time)
    {
        var metadata = api.Metadata!;
        var updated = Elapsed.Since(metadata.LastUpdated, time);
        return kind switch
        {
            ApiKind.BatchAPI or ApiKind.TaskAPI => [metadata.Name, Text(JobTables.Running(api)), JobTables.Latest(api, time), updated],
            ApiKind.TrafficSplitter => [metadata.Name, Text(api.NumTrafficSplitterTargets ?? api.Spec?.Apis?.Count ?? api.Splitter?.Targets.Count ?? 0) + SplitterText.CanaryInBrief(api), updated],
            ApiKind.AsyncAPI => [metadata.Name, Live(api), Text(api.Status?.UpToDate), Text(api.Queue?.Waiting + api.Queue?.Delayed), Text(api.Queue?.InProgress), updated],
            _ => [metadata.Name, Live(api), Text(api.Status?.UpToDate), updated],
        };
    }

    private static string Live(ApiResponse api) => api.Status is { } status ? $"{Text(status.Ready)}/{Text(status.Requested)}" : "-";

    // An operator that does not say how many there are may have been asked too early, or by a container that may not see it.
    private static string Text(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
