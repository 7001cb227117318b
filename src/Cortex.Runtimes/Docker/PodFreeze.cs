using System.Diagnostics.CodeAnalysis;
using Cortex.Background;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>Halts a pod's containers and lets them go on.</summary>
/// <remarks>
/// That it was us who halted them is recorded in the engine: by a volume that exists from before the first container is
/// halted until after the last one goes on. A pod with that mark of which a container is not halted was left half-way, or
/// somebody has had a hand in it: all of it is let go on, and is an ordinary pod again.
/// </remarks>
/// <param name="machine">The cluster's settings.</param>
/// <param name="pod">The pod.</param>
[SuppressMessage("Design", "CA1001", Justification = "Used until the process ends, and without a wait handle the semaphore holds nothing.")]
internal sealed class PodFreeze(DockerMachine machine, DockerPod pod)
{
    private static readonly TimeSpan _retry = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private readonly Bell _doubt = new();
    private volatile bool _holds;

    /// <summary>Whether the pod stands still, or is on its way there or back: nothing probes it.</summary>
    public bool Holds => _holds;

    private string Mark => DockerLabels.FrozenMark(machine.Options.ClusterName, pod.Definition.Id);

    /// <summary>Takes over a pod that an earlier process has marked.</summary>
    public void Adopt()
    {
        _holds = true;
        Doubt();
    }

    /// <summary>A container may not stand still any more.</summary>
    public void Doubt() => _doubt.Ring();

    /// <summary>Halts the pod if it is ready. Returns whether it stands still.</summary>
    /// <exception cref="OperationCanceledException">Cancelled before its containers were halted: it is an ordinary pod.</exception>
    public async Task<bool> FreezeAsync(CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            if (_holds || pod.Status().State is not PodState.Ready)
            {
                return pod.Status().State is PodState.Frozen;
            }

            // Not cancelled: a mark that the engine makes all the same would be left behind.
            await machine.Engine.CreateVolumeAsync(Mark, machine.Labels(pod.Definition.Id), CancellationToken.None);
            _holds = true;
            pod.FreezeChanged();
            await Task.WhenAll(pod.Keepers.Select(keeper => keeper.QuietAsync(cancellationToken)));

            // From here on it runs to the end: a caller that goes away must not leave it half-way.
            await Task.WhenAll(pod.Keepers.Select(keeper => keeper.PauseAsync()));
            return true;
        }
        catch (OperationCanceledException) when (_holds)
        {
            await GoesOnAsync();
            throw;
        }
        catch (Exception error) when (error is EngineException or RuntimeUnavailableException)
        {
            Doubt();
            throw new RuntimeUnavailableException($"Docker Engine can't halt pod {pod.Definition.Id}: {error.Message}", error);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Lets the pod go on. Returns whether it stood still.</summary>
    public async Task<bool> ThawAsync(CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            if (!_holds || pod.Status().State is not PodState.Frozen)
            {
                return false;
            }

            await LetGoAsync();
            return true;
        }
        catch (EngineException error)
        {
            throw new RuntimeUnavailableException($"Docker Engine can't let pod {pod.Definition.Id} go on: {error.Message}", error);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Lets its containers go on, as those that stand still can't obey a request to end.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            if (_holds)
            {
                await Task.WhenAll(pod.Keepers.Select(keeper => keeper.UnpauseAsync()));
                _holds = false;
            }
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Looks, whenever there is doubt, whether a frozen pod stands still; until cancelled.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await _doubt.WaitAsync(cancellationToken);
            await _oneAtATime.WaitAsync(cancellationToken);
            try
            {
                if (_holds && !await AllPausedAsync(cancellationToken))
                {
                    machine.Logger.NotFrozen(pod.Definition.Id);
                    await LetGoAsync();
                }
            }
            catch (Exception error) when (error is EngineException or RuntimeUnavailableException)
            {
                machine.Logger.TryingAgain(pod.Definition.Id, $"can't be let go on: {error.Message}", _retry);
                await Task.Delay(_retry, machine.Time, cancellationToken);
                Doubt();
            }
            finally
            {
                _oneAtATime.Release();
            }
        }
    }

    private async Task<bool> AllPausedAsync(CancellationToken cancellationToken)
    {
        foreach (var keeper in pod.Keepers)
        {
            if (!await keeper.IsPausedAsync(cancellationToken))
            {
                return false;
            }
        }

        return true;
    }

    private async Task LetGoAsync()
    {
        await Task.WhenAll(pod.Keepers.Select(keeper => keeper.UnpauseAsync()));
        await GoesOnAsync();
    }

    private async Task GoesOnAsync()
    {
        _holds = false;
        pod.FreezeChanged();
        try
        {
            await machine.Engine.RemoveVolumeAsync(Mark, CancellationToken.None);
        }
        catch (Exception error) when (error is EngineException or RuntimeUnavailableException)
        {
            // The next process takes it for frozen, finds that it is not, and removes the mark.
            machine.Logger.MarkStays(Mark, error.Message);
        }
    }
}
