using Cortex.Cli.Client;
using Cortex.Cli.Output;
using Cortex.Core.Units;

namespace Cortex.Cli.Commands;

/// <summary>Follows deployed APIs until all are ready, one fails for good or the time is up.</summary>
internal static class DeployWait
{
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan SlowestPoll = TimeSpan.FromSeconds(1);

    /// <summary>Shows progress on the error stream. False, with the reasons printed, when it did not come to be.</summary>
    public static async Task<bool> RunAsync(CliHost host, OperatorClient client, IReadOnlyList<string> names, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var apis = names.Select(name => new ReplicaProgress(name)).ToArray();
        var display = new ProgressLines(host.Error, host.ErrorIsTerminal);
        var started = host.Time.GetTimestamp();
        for (var pause = FirstPoll; ; pause = Min(pause * 1.5, SlowestPoll))
        {
            foreach (var api in apis.Where(api => !api.IsReady))
            {
                api.Observe(await client.DescribeAsync(api.Name, cancellationToken), host.Time.GetElapsedTime(started));
            }

            display.Show([.. apis.Select(api => api.Line)]);
            if (apis.All(api => api.IsReady))
            {
                return true;
            }

            var failed = apis.Where(api => api.HasFailed).ToArray();
            if (failed.Length > 0)
            {
                await ReportAsync(host, client, failed, api => $"{api.Name} can't become ready ({api.Line[(api.Name.Length + 2)..]})", cancellationToken);
                return false;
            }

            var left = timeout - host.Time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                await ReportAsync(host, client, apis.Where(api => !api.IsReady), api => $"{api.Name} is not ready after {GoDuration.Format(timeout)}", cancellationToken);
                return false;
            }

            await Task.Delay(Min(pause, left), host.Time, cancellationToken);
        }
    }

    private static async Task ReportAsync(CliHost host, OperatorClient client, IEnumerable<ReplicaProgress> apis, Func<ReplicaProgress, string> headline, CancellationToken cancellationToken)
    {
        foreach (var api in apis)
        {
            var reasons = string.Concat(api.Reasons.Select(reason => $"\n  {reason}"));
            host.ReportError($"{headline(api)}{reasons}\n  `cortex describe {api.Name}` and `cortex logs {api.Name}` say more");
            if (api.HasStarted)
            {
                await host.Error.WriteAsync(await LastLogLines.ReadAsync(host, client.Environment, api.Name, cancellationToken));
            }
        }
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
