using System.Collections.Concurrent;
using Cortex.Core.Specs;
using Cortex.Operator.State;
using Cortex.Runtimes;
using Microsoft.Extensions.Logging;

namespace Cortex.Operator.Reconciling;

// Replicas that a scale-down leaves over stand still for a while, where the API wants that, and are the first to go on.
internal sealed partial class Reconciler
{
    // An attempt ends when the pod stands still. Its source is cancelled when the replica is wanted again, or must go; it is
    // never disposed of, as that may happen at any time, and it has nothing to free.
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _freezing = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _thawing = new(StringComparer.Ordinal);

    private static bool Freezes(WantedApi api) => api.Spec.Autoscaling?.Idle == IdleReplicas.Freeze;

    /// <summary>Takes missing replicas from those that are being frozen or are frozen, and removes the frozen ones that nobody will want.</summary>
    /// <returns>How many replicas are still missing.</returns>
    private int TakeFrozen(WantedApi api, IReadOnlyList<PodStatus> pods, IReadOnlyCollection<string> thawing, int missing, CancellationToken cancellationToken)
    {
        var isAsync = api.Spec.Kind == ApiKind.AsyncAPI;
        foreach (var pod in pods)
        {
            if (_freezing.TryGetValue(pod.Id, out var attempt) && (missing > 0 || !Freezes(api) || !PodFactory.IsLatest(pod.Labels, api.Spec)))
            {
                // It is a replica like any other again, at the next look.
                attempt.Cancel();
                missing -= PodFactory.IsLatest(pod.Labels, api.Spec) ? 1 : 0;
            }
        }

        var room = (api.Spec.Autoscaling?.MaxReplicas ?? 0) - api.Replicas;
        var oldest = time.GetUtcNow() - (api.Spec.Autoscaling?.FreezePeriod ?? TimeSpan.Zero);
        var frozen = pods.Where(pod => pod.State == PodState.Frozen && !IsLeaving(pod.Id) && !thawing.Contains(pod.Id)).OrderByDescending(pod => pod.StateSince);
        foreach (var pod in frozen)
        {
            if (!Freezes(api) || !PodFactory.IsLatest(pod.Labels, api.Spec))
            {
                Stop(pod.Id, isAsync, cancellationToken);
            }
            else if (missing > 0)
            {
                missing--;
                _beside.Follow("thawing a replica", ThawAsync(pod.Id, isAsync, cancellationToken));
            }
            else if (room-- <= 0 || pod.StateSince <= oldest)
            {
                Stop(pod.Id, isAsync, cancellationToken);
            }
        }

        return Math.Max(0, missing);
    }

    /// <summary>Removes a frozen pod that is in the way of another one, of a job too, which gets no room because of it.</summary>
    private void MakeWay(IReadOnlyCollection<PodStatus> pods, IReadOnlyCollection<string> thawing, CancellationToken cancellationToken)
    {
        // One at a time, and none while others end: what that frees shows whether another one must go.
        if (pods.Any(pod => pod.State == PodState.Terminating || (pod.State == PodState.Frozen && IsLeaving(pod.Id))))
        {
            return;
        }

        var inTheWay = pods.Select(pod => pod.WaitsFor).FirstOrDefault(id => id is not null);
        if (pods.FirstOrDefault(pod => pod.Id == inTheWay) is { State: PodState.Frozen } frozen && !thawing.Contains(frozen.Id) && !_thawing.ContainsKey(frozen.Id))
        {
            LogMadeWay(frozen.Id);
            Stop(frozen.Id, IsAsync(frozen), cancellationToken);
        }
    }

    private void Freeze(string podId, bool isAsync, CancellationToken cancellationToken)
    {
        var attempt = new CancellationTokenSource();
        if (_freezing.TryAdd(podId, attempt))
        {
            _beside.Follow("freezing a replica", FreezeAsync(podId, isAsync, attempt.Token, cancellationToken));
        }
    }

    private async Task FreezeAsync(string podId, bool isAsync, CancellationToken wantedAgain, CancellationToken cancellationToken)
    {
        await Task.Yield();
        var stands = false;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(wantedAgain, cancellationToken);
            PublishRoutes();

            // However long its requests take: standing still, it would never answer them.
            await dataPlane.DrainAsync(podId, isAsync ? options.TerminationGrace : Timeout.InfiniteTimeSpan, either.Token);
            either.Token.ThrowIfCancellationRequested();
            stands = await runtime.FreezeAsync(podId, either.Token);
        }
        catch (OperationCanceledException) when (wantedAgain.IsCancellationRequested || cancellationToken.IsCancellationRequested)
        {
            stands = true;   // nothing is wrong with it
        }
        catch (Exception exception)
        {
            LogFreezeFailed(exception, podId);
        }
        finally
        {
            if (!stands)
            {
                Stop(podId, isAsync, cancellationToken);
            }

            _freezing.TryRemove(podId, out _);
            Wake();
        }
    }

    private async Task ThawAsync(string podId, bool isAsync, CancellationToken cancellationToken)
    {
        _thawing[podId] = true;
        try
        {
            await runtime.ThawAsync(podId, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The server stops; the next process decides anew.
        }
        catch (Exception exception)
        {
            Stop(podId, isAsync, cancellationToken);
            LogThawFailed(exception, podId);
        }
        finally
        {
            _thawing.TryRemove(podId, out _);
            Wake();
        }
    }

    [LoggerMessage(3300, LogLevel.Warning, "Could not freeze {Pod}; it is removed instead.")]
    private partial void LogFreezeFailed(Exception exception, string pod);

    [LoggerMessage(3302, LogLevel.Information, "{Pod} stood still; it is removed to make room for a pod that waits.")]
    private partial void LogMadeWay(string pod);

    [LoggerMessage(3301, LogLevel.Warning, "Could not let {Pod} go on; it is removed, and a new replica takes its place.")]
    private partial void LogThawFailed(Exception exception, string pod);
}
