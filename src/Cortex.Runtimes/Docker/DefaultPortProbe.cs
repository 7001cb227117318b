using Cortex.Core.Specs;
using Cortex.Runtimes.Probes;
using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Docker;

/// <summary>The probe that nobody asked for: whether the pod's port accepts connections.</summary>
/// <param name="port">The port; null when the pod needs no such probe.</param>
/// <param name="network">The way to it.</param>
/// <param name="time">The clock.</param>
/// <param name="changed">Called after what is known has changed.</param>
internal sealed class DefaultPortProbe(int? port, PodNetwork network, TimeProvider time, Action changed)
{
    private readonly Lock _lock = new();
    private readonly AsyncSignal _again = new();
    private bool _ready;
    private string _reason = "";

    /// <summary>Whether the port accepts connections, or need not, and what was wrong last.</summary>
    public (bool Ready, string Reason) State
    {
        get
        {
            lock (_lock)
            {
                return (_ready || port is null, _reason);
            }
        }
    }

    /// <summary>A container began, so the pauses between attempts to reach it, grown while nothing listened, begin anew.</summary>
    public void ContainerStarted()
    {
        if (port is not null && !State.Ready)
        {
            _again.Ring();
        }
    }

    /// <summary>A container ended, so whatever was found out no longer holds.</summary>
    public void ContainerEnded() => _again.Ring();

    /// <summary>Probes until cancelled.</summary>
    /// <param name="up">Ends when the network is there.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task WatchAsync(Task up, CancellationToken cancellationToken)
    {
        if (port is not { } number)
        {
            return;
        }

        // The figures of Cortex 0.42's own probe.
        var probe = new ProbeSpec { TcpSocket = new TcpSocketSpec(number), TimeoutSeconds = 3, PeriodSeconds = 10, FailureThreshold = 3 };
        await up.WaitAsync(cancellationToken);
        while (true)
        {
            using var round = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Say(false, "");
            var probing = new ProbeLoop(probe, time, network.CheckAsync).WatchReadinessAsync(Say, round.Token);
            await Task.WhenAny(probing, _again.WaitAsync(round.Token));
            await round.CancelAsync();
            await probing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private void Say(bool ready, string words)
    {
        lock (_lock)
        {
            (_ready, _reason) = (ready, words);
        }

        changed();
    }
}
