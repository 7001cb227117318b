using Cortex.Core.Errors;
using Cortex.Core.Wire;

namespace Cortex.Client.Deploying;

/// <summary>Follows APIs until all are ready, one fails for good or the time is up.</summary>
internal static class ReadyWait
{
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan SlowestPoll = TimeSpan.FromSeconds(1);

    /// <summary>A server that is being restarted may be away this long, where calls are repeated.</summary>
    private static readonly TimeSpan Absence = TimeSpan.FromMinutes(2);

    /// <summary>What was seen of each last.</summary>
    /// <param name="client">The operator.</param>
    /// <param name="names">The APIs.</param>
    /// <param name="timeout">How long, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="show">Is told after each look; may be null.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public static async Task<IReadOnlyList<ReplicaProgress>> RunAsync(
        CortexClient client, IReadOnlyList<string> names, TimeSpan timeout, Action<IReadOnlyList<ReplicaProgress>>? show, CancellationToken cancellationToken)
    {
        var time = client.Options.TimeProvider;
        var apis = names.Select(name => new ReplicaProgress(name)).ToArray();
        var (started, seen) = (time.GetTimestamp(), time.GetTimestamp());
        for (var pause = FirstPoll; ; pause = Min(pause * 1.5, SlowestPoll))
        {
            foreach (var api in apis.Where(api => !api.IsReady))
            {
                if (await LookAsync(client, api.Name, seen, cancellationToken).ConfigureAwait(false) is { } answer)
                {
                    api.Observe(answer, time.GetElapsedTime(started));
                    seen = time.GetTimestamp();
                }
            }

            show?.Invoke(apis);
            var left = timeout == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : timeout - time.GetElapsedTime(started);
            if (apis.All(api => api.IsReady) || apis.Any(api => api.HasFailed) || left <= TimeSpan.Zero)
            {
                return apis;
            }

            await Task.Delay(Min(pause, left), time, cancellationToken).ConfigureAwait(false);
        }
    }

    // Null while the operator is away.
    private static async Task<ApiResponse?> LookAsync(CortexClient client, string name, long seen, CancellationToken cancellationToken)
    {
        try
        {
            return await client.DescribeAsync(name, cancellationToken).ConfigureAwait(false);
        }
        catch (CortexException exception) when (client.Options.Retries && exception.Kind == ClientErrorKinds.OperatorUnreachable && client.Options.TimeProvider.GetElapsedTime(seen) < Absence)
        {
            return null;
        }
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
