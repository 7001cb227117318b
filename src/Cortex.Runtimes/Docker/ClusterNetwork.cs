using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>The bridge network on which the cluster's pods have their addresses; made, and made again when somebody has removed it.</summary>
internal sealed class ClusterNetwork(DockerMachine machine)
{
    private const string ReachEachOther = "com.docker.network.bridge.enable_icc";

    // While this is 0, or br_netfilter is not loaded, no firewall sees what goes from one container to another.
    private const string BridgeFiltering = "/proc/sys/net/bridge/bridge-nf-call-iptables";

    /// <summary>So often it is tried to make the network.</summary>
    private const int Tries = 6;

    private static readonly TimeSpan _again = TimeSpan.FromSeconds(1);

    private NetworkResource? _last;

    private string Name => machine.NetworkName;

    private string WantsReach => machine.Options.ReachContainers ? "true" : "false";

    /// <summary>Makes the network where it is missing.</summary>
    /// <returns>This machine's address on it.</returns>
    public async Task<string> EnsureAsync(CancellationToken cancellationToken)
    {
        var networks = await machine.Engine.FindNetworksAsync(Name, cancellationToken);
        if (networks.Any(n => !IsAsWanted(n)) && await TryRemoveAsync(networks, cancellationToken))
        {
            networks = [];
        }

        for (var tries = 1; networks.Count == 0 && tries <= Tries; tries++)
        {
            await CreateAsync(last: tries == Tries, cancellationToken);
            networks = await machine.Engine.FindNetworksAsync(Name, cancellationToken);
        }

        var gateway = networks.Select(GatewayOf).FirstOrDefault(g => g is not null)
            ?? throw new RuntimeUnavailableException($"the network {Name} has no gateway address; remove it (docker network rm {Name}) so that it is made again");
        if (_last is { } last && GatewayOf(last) != gateway)
        {
            machine.Logger.OtherGateway(Name, gateway);
        }

        if (_last is null)
        {
            WarnWhereNotApart();
        }

        _last = networks[0];
        return gateway;
    }

    private async Task CreateAsync(bool last, CancellationToken cancellationToken)
    {
        var network = new CreateNetwork(Name, "bridge", true, machine.Labels())
        {
            Options = new Dictionary<string, string> { [ReachEachOther] = WantsReach },

            // Containers and this server know each other by the addresses that were.
            IPAM = _last?.IPAM?.Config is { } pools ? new Ipam(pools) : null,
        };
        try
        {
            await machine.Engine.CreateNetworkAsync(network, cancellationToken);
        }
        catch (EngineException error) when (error.Conflict)
        {
            // Another process was faster.
        }
        catch (EngineException) when (network.IPAM is not null)
        {
            // Another network has them now.
            _last = _last! with { IPAM = null };
        }
        catch (EngineException error) when (error.Message.Contains("br_netfilter", StringComparison.Ordinal))
        {
            throw new RuntimeUnavailableException(
                $"can't create the network {Name}: containers are kept apart by the kernel module br_netfilter, which is not loaded. " +
                "Load it (modprobe br_netfilter, and a line in /etc/modules-load.d for the next boot), or set docker.reach_containers: true.", error);
        }
        catch (EngineException error) when (!last)
        {
            // Another engine that starts, or a firewall that is loaded anew, takes Docker's own rules away for a moment ("No chain/target/match").
            machine.Logger.NetworkRefused(Name, error.Message, _again);
            await Task.Delay(_again, machine.Time, cancellationToken);
        }
        catch (EngineException error)
        {
            throw new RuntimeUnavailableException($"can't create the network {Name}: {error.Message}", error);
        }
    }

    /// <summary>Removes a network that has other settings, unless a pod is on it.</summary>
    private async Task<bool> TryRemoveAsync(IReadOnlyList<NetworkResource> networks, CancellationToken cancellationToken)
    {
        try
        {
            // Nobody has taken these, and those of an earlier process go in any case.
            var containers = await machine.Engine.ListContainersAsync(cancellationToken, $"{DockerLabels.Cluster}={machine.Options.ClusterName}");
            foreach (var spare in containers.Where(c => DockerLabels.IsSpare(machine.Options.ClusterName, c.Name)))
            {
                await machine.Engine.RemoveContainerAsync(spare.Id, cancellationToken);
            }

            foreach (var network in networks)
            {
                await machine.Engine.RemoveNetworkAsync(network.Id, cancellationToken);
            }

            return true;
        }
        catch (EngineException error) when (error.InUse)
        {
            machine.Logger.OtherNetwork(Name, machine.Options.ReachContainers
                ? "containers of different replicas do not reach each other"
                : "containers of different replicas reach each other");
            return false;
        }
    }

    private bool IsAsWanted(NetworkResource network) => (network.Options?.GetValueOrDefault(ReachEachOther) ?? "true") == WantsReach;

    private void WarnWhereNotApart()
    {
        if (machine.Options.ReachContainers)
        {
            return;
        }

        if (machine.Version.IsPodman)
        {
            machine.Logger.NotApart("Podman has no way to keep containers of one network apart");
        }
        else if (File.Exists(BridgeFiltering) && File.ReadAllText(BridgeFiltering).Trim() == "0")
        {
            machine.Logger.NotApart("net.bridge.bridge-nf-call-iptables is 0, so that the firewall does not see what they send; `sysctl net.bridge.bridge-nf-call-iptables=1` mends it");
        }
    }

    private static string? GatewayOf(NetworkResource network) =>
        network.IPAM?.Config?.Select(c => c.Gateway).FirstOrDefault(g => !string.IsNullOrEmpty(g))?.Split('/')[0];
}
