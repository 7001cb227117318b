using Cortex.Background;
using Cortex.Core.Specs;
using Cortex.Runtimes.Probes;

namespace Cortex.Runtimes.Docker;

/// <summary>The probe that nobody asked for: whether the pod's port accepts connections.</summary>
/// <param name="port">The port; null when the pod needs no such probe.</param>
/// <param name="network">The way to it.</param>
/// <param name="time">The clock.</param>
/// <param name="changed">Called after what is known has changed.</param>
/// <param name="halted">Whether the pod stands still, so that nothing can be learnt from it.</param>
internal sealed class DefaultPortProbe(int? port, PodNetwork network, TimeProvider time, Action changed, Func<bool> halted)
{
    private readonly Lock _lock = new();
    private readonly Bell _again = new();
    private bool _ready;
    private bool _forget = true;
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
            Forget();
        }
    }

    /// <summary>A container ended, so whatever was found out no longer holds.</summary>
    public void ContainerEnded() => Forget();

    /// <summary>The pod was halted, or goes on: what was found out still holds.</summary>
    public void FreezeChanged() => _again.Ring();

    /// <summary>The pod is one that an earlier process has halted, which it does only with a pod that is ready.</summary>
    public void AdoptFrozen()
    {
        lock (_lock)
        {
            (_ready, _forget) = (true, false);
        }
    }

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
            if (Forgets())
            {
                Say(false, "");
            }

            var probing = halted()
                ? Task.Delay(Timeout.InfiniteTimeSpan, time, round.Token)
                : new ProbeLoop(probe, time, network.CheckAsync) { Resumes = State.Ready }.WatchReadinessAsync(Say, round.Token);
            await Task.WhenAny(probing, _again.WaitAsync(round.Token));
            await round.CancelAsync();
            await probing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private void Forget()
    {
        lock (_lock)
        {
            (_ready, _forget) = (false, true);
        }

        _again.Ring();
    }

    private bool Forgets()
    {
        lock (_lock)
        {
            var forgets = _forget;
            _forget = false;
            return forgets;
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
