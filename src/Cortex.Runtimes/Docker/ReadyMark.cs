using Cortex.Background;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>Records in the engine, by a volume, that a pod's readiness probes pass, so that the next process need not doubt it.</summary>
/// <remarks>It follows what is known a few milliseconds late. A mark that is wrong costs no more than one check: the first that fails is believed.</remarks>
/// <param name="machine">The cluster's settings.</param>
/// <param name="pod">The pod.</param>
internal sealed class ReadyMark(DockerMachine machine, DockerPod pod)
{
    private static readonly TimeSpan _retry = TimeSpan.FromSeconds(1);

    private readonly Bell _changed = new();
    private bool _written;

    private string Name => DockerLabels.ReadyMark(machine.Options.ClusterName, pod.Definition.Id);

    private bool Passes => pod.Keepers.All(keeper => keeper.Container.ReadinessProbe is null || (keeper.Running && keeper.IsReady));

    /// <summary>Takes over what an earlier process has written.</summary>
    public void Adopt(bool written) => _written = written;

    /// <summary>A probe may have passed or failed.</summary>
    public void Doubt() => _changed.Ring();

    /// <summary>Keeps the mark as it should be, until cancelled. One network check takes less than writing it, so only probes of the user's have it.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (pod.Keepers.Any(keeper => keeper.Container.ReadinessProbe is not null))
        {
            var passes = Passes;
            if (passes == _written)
            {
                await _changed.WaitAsync(cancellationToken);
                continue;
            }

            try
            {
                // Not cancelled: what the engine does all the same would not be known.
                await (passes ? machine.Engine.CreateVolumeAsync(Name, machine.Labels(pod.Definition.Id), CancellationToken.None)
                    : machine.Engine.RemoveVolumeAsync(Name, CancellationToken.None));
                _written = passes;
            }
            catch (Exception error) when (error is EngineException or RuntimeUnavailableException)
            {
                machine.Logger.TryingAgain(pod.Definition.Id, $"can't be marked as {(passes ? "ready" : "not ready")}: {error.Message}", _retry);
                await Task.Delay(_retry, machine.Time, cancellationToken);
            }
        }
    }
}
