using System.Collections.Concurrent;
using Cortex.Runtimes.Docker.Engine;
using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Docker;

/// <summary>Removes all that a cluster has in the engine, passing over what the engine can't remove.</summary>
/// <remarks>Every step is bounded by the engine's call timeout, so one container that the engine never answers for keeps nothing else from being removed.</remarks>
/// <param name="machine">The cluster's settings.</param>
internal sealed class ClusterTeardown(DockerMachine machine)
{
    private static readonly TimeSpan _again = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<string, string> _left = new(StringComparer.Ordinal);   // how to remove it, and why that failed
    private bool _waits;
    private bool _isSilent;

    private string ClusterLabel => $"{DockerLabels.Cluster}={machine.Options.ClusterName}";

    /// <summary>Removes everything.</summary>
    /// <param name="deadline">When to kill what still runs.</param>
    /// <param name="cancellationToken">Ends it half-way.</param>
    /// <exception cref="RuntimeUnavailableException">The engine can't be reached, or something is left; the message says what, why, and how to remove it.</exception>
    public async Task RunAsync(Deadline deadline, CancellationToken cancellationToken)
    {
        // A process that was killed may have a call under way in the engine: what that makes is in the way now, and is found by the next look.
        var patience = Deadline.After(machine.Options.CallTimeout, machine.Time);
        while (true)
        {
            (_waits, _isSilent) = (false, false);
            _left.Clear();
            await RemoveAllAsync(deadline, cancellationToken);
            if (_left.IsEmpty)
            {
                return;
            }

            if (!_waits || _isSilent || patience.Left(machine.Time) == TimeSpan.Zero)
            {
                throw new RuntimeUnavailableException(Say());
            }

            await Task.Delay(_again, machine.Time, cancellationToken);
        }
    }

    private async Task RemoveAllAsync(Deadline deadline, CancellationToken cancellationToken)
    {
        var containers = (await AskAsync(machine.Engine.ListContainersAsync(cancellationToken, ClusterLabel))).ToLookup(c => c.Labels.ContainsKey(DockerLabels.Container));
        await Task.WhenAll(containers[true].Where(c => c.State is "running").Select(c => StopAsync(c, deadline, cancellationToken)));
        foreach (var users in new[] { true, false })
        {
            await Task.WhenAll(containers[users].Select(c => TryAsync($"docker rm -f {c.Name}", machine.Engine.RemoveContainerAsync(c.Id, cancellationToken))));
        }

        foreach (var volume in await AskAsync(machine.Engine.ListVolumesAsync(ClusterLabel, cancellationToken)))
        {
            await TryAsync($"docker volume rm {volume.Name}", machine.Engine.RemoveVolumeAsync(volume.Name, cancellationToken));
        }

        foreach (var network in await AskAsync(machine.Engine.FindNetworksAsync(machine.NetworkName, cancellationToken)))
        {
            await TryAsync($"docker network rm {network.Name}", machine.Engine.RemoveNetworkAsync(network.Id, cancellationToken));
        }

        // Another cluster may use it.
        foreach (var image in InfraImage.AllNames)
        {
            await TryAsync($"docker rmi {image}", machine.Engine.RemoveImageAsync(image, cancellationToken));
        }
    }

    private async Task StopAsync(ListedContainer container, Deadline deadline, CancellationToken cancellationToken)
    {
        try
        {
            await machine.StopAsync(container.Id, deadline, cancellationToken);
        }
        catch (Exception error) when (error is EngineException or RuntimeUnavailableException)
        {
            // Its removal kills it, or says why not.
        }
    }

    private async Task TryAsync(string command, Task removal)
    {
        try
        {
            await removal;
        }
        catch (EngineException error)
        {
            _waits |= error.InUse;
            _left[command] = error.Message;
        }
        catch (RuntimeUnavailableException error)
        {
            _isSilent = true;
            _left[command] = error.Message;
        }
    }

    private async Task<T> AskAsync<T>(Task<T> question)
    {
        try
        {
            return await question;
        }
        catch (EngineException error)
        {
            throw new RuntimeUnavailableException($"can't see what is left of cluster {machine.Options.ClusterName}: {error.Message}", error);
        }
    }

    private string Say() => string.Join(Environment.NewLine,
    [
        $"all of cluster {machine.Options.ClusterName} is removed but for what Docker Engine can't remove; by hand:",
        .. _left.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => $"  {each.Key}   # {each.Value.ReplaceLineEndings(" ")}"),
        .. _isSilent ? ["Where Docker Engine does not answer, restart it first (systemctl restart docker)."] : Array.Empty<string>(),
    ]);
}
