using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>Looks now and then how much memory the containers use that room is kept for, so that those that use more can be named.</summary>
internal sealed class MemoryWatch(DockerMachine machine, Func<IEnumerable<DockerPod>> pods)
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(10);

    /// <summary>Looks until cancelled, at one container after the other: nobody waits for it, and others want the engine's time.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(_period, machine.Time, cancellationToken);
            try
            {
                await LookAsync(cancellationToken);
            }
            catch (Exception error) when (error is EngineException or RuntimeUnavailableException)
            {
                // Whoever has to do something about it hears of it elsewhere.
            }
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        foreach (var keeper in pods().SelectMany(pod => pod.Keepers).Where(keeper => keeper.Running && keeper.Container.MemoryBytes > 0))
        {
            if (keeper.Id is { } id && await machine.Engine.StatsAsync(id, cancellationToken) is { } stats)
            {
                keeper.Uses(stats.WorkingSet);
            }
        }
    }
}
