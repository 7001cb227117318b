using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Client.Deploying;
using Cortex.Core.Units;

namespace Cortex.Cli.Commands;

/// <summary>Follows deployed APIs until all are ready, one fails for good or the time is up.</summary>
internal static class DeployWait
{
    /// <summary>Shows progress on the error stream. False, with the reasons printed, when it did not come to be.</summary>
    public static async Task<bool> RunAsync(CliHost host, CortexClient client, IReadOnlyList<string> names, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var display = new ProgressLines(host.Error, host.ErrorIsTerminal);
        var apis = await ReadyWait.RunAsync(client, names, timeout, seen => display.Show([.. seen.Select(api => $"{api.Name}: {api.State}")]), cancellationToken);
        if (apis.All(api => api.IsReady))
        {
            return true;
        }

        var failed = apis.Where(api => api.HasFailed).ToArray();
        await (failed.Length > 0
            ? ReportAsync(host, client, failed, api => $"{api.Name} can't become ready ({api.State})", cancellationToken)
            : ReportAsync(host, client, apis.Where(api => !api.IsReady), api => $"{api.Name} is not ready after {GoDuration.Format(timeout)}", cancellationToken));
        return false;
    }

    private static async Task ReportAsync(CliHost host, CortexClient client, IEnumerable<ReplicaProgress> apis, Func<ReplicaProgress, string> headline, CancellationToken cancellationToken)
    {
        foreach (var api in apis)
        {
            var reasons = string.Concat(api.Reasons.Select(reason => $"\n  {reason}"));
            host.ReportError($"{headline(api)}{reasons}\n  `cortex describe {api.Name}` and `cortex logs {api.Name}` say more");
            if (api.HasStarted)
            {
                await host.Error.WriteAsync(await LastLogLines.ReadAsync(host, client, api.Name, cancellationToken));
            }
        }
    }
}
