using Cortex.Background;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>Keeps network containers running that no pod has taken yet: starting one takes longer than all else of a pod's start.</summary>
/// <remarks>
/// A spare becomes a pod's by being renamed, which the engine does for one caller only; so the names alone say what
/// belongs to whom, whenever this process ends. Spares that another process left are not taken over but removed: they may
/// have been made with other settings. A pod that was to take no requests gives its network container back when it is deleted: many
/// short jobs need few of them then.
/// </remarks>
internal sealed class SpareNetworks(DockerMachine machine)
{
    private static readonly Backoff _retries = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    // For so long nobody must have taken one before those that are too many go.
    private static readonly TimeSpan _surplusKept = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Bell _changed = new();
    private readonly Queue<Spare> _ready = new();

    // Names, not ids: once a pod has taken one, no removal can hit it any more.
    private readonly HashSet<string> _unwanted = new(StringComparer.Ordinal);
    private bool _lookAgain;
    private int _expected;

    /// <summary>Containers to be removed: spares of an earlier process, or what was set aside.</summary>
    public void Leftover(IEnumerable<string> names)
    {
        lock (_lock)
        {
            _unwanted.UnionWith(names);
        }

        _changed.Ring();
    }

    /// <summary>Makes a spare the network container of a pod.</summary>
    /// <returns>It; null when there is none to be had.</returns>
    /// <exception cref="EngineException">409: the pod has a network container.</exception>
    public async Task<Spare?> ClaimAsync(string podId)
    {
        while (Take() is { } spare)
        {
            try
            {
                // Not cancelled with the pod: it would not be known whose it is.
                await machine.Engine.RenameContainerAsync(spare.Id, DockerLabels.Infra(machine.Options.ClusterName, podId), CancellationToken.None);
                return spare;
            }
            catch (EngineException error) when (error.NotFound)
            {
                // Somebody removed it.
            }
            catch
            {
                Discard(spare.Name);
                throw;
            }
        }

        return null;
    }

    /// <summary>Makes a spare of the network container of a pod of which nothing else is left.</summary>
    /// <param name="id">The container, made by this process.</param>
    /// <param name="files">What its files were before the pod had it.</param>
    /// <returns>False when it is not wanted, or is not as it was; then it is to be removed, under whatever name.</returns>
    public async Task<bool> ReturnAsync(string id, NetworkFiles files)
    {
        if (!files.AreUnchanged() || !TryExpect())
        {
            return false;
        }

        try
        {
            var spare = new Spare(id, DockerLabels.NewSpare(machine.Options.ClusterName), files);
            await machine.Engine.RenameContainerAsync(id, spare.Name, CancellationToken.None);
            if (await machine.Engine.InspectContainerAsync(id, CancellationToken.None) is not { State.Running: true })
            {
                return false;
            }

            Ready(spare);
        }
        catch (EngineException)
        {
            return false;
        }
        finally
        {
            Expected();
        }

        _changed.Ring();
        return true;
    }

    /// <summary>A network container has ended. Whether it was a spare.</summary>
    public bool Lost(string id)
    {
        lock (_lock)
        {
            var lost = _ready.Where(s => s.Id == id).ToList();
            Drop(lost);
            return lost.Count > 0;
        }
    }

    /// <summary>Anything may have happened to the spares.</summary>
    public void LookAtAll()
    {
        lock (_lock)
        {
            _lookAgain = true;
        }

        _changed.Ring();
    }

    /// <summary>Removes and makes what is to be, now and whenever that changes, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var retry = _retries.First;
        while (true)
        {
            // Whoever has taken one is starting a pod, which comes first.
            await Task.Delay(machine.Options.SpareDelay, machine.Time, cancellationToken);
            try
            {
                await CheckAsync(cancellationToken);
                var removed = await RemoveUnwantedAsync(retry, cancellationToken);
                while (Missing() > 0)
                {
                    await MakeAsync(cancellationToken);
                }

                if (!removed)
                {
                    await _changed.WaitAsync(retry, machine.Time, cancellationToken);
                    retry = _retries.Next(retry);
                    continue;
                }

                retry = _retries.First;
                if (Missing() == 0)
                {
                    await _changed.WaitAsync(cancellationToken);
                }
                else if (!await _changed.WaitAsync(_surplusKept, machine.Time, cancellationToken))
                {
                    DiscardSurplus();
                }
            }
            catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                // Pods start without spares too, only later.
                LookAtAll();
                machine.Logger.NoSpares(error.Message, retry);
                await Task.Delay(retry, machine.Time, cancellationToken);
                retry = _retries.Next(retry);
            }
        }
    }

    private async Task MakeAsync(CancellationToken cancellationToken)
    {
        var name = DockerLabels.NewSpare(machine.Options.ClusterName);
        Discard(name);
        try
        {
            var id = await machine.CreateInfraAsync(name, null);
            await machine.Engine.StartContainerAsync(id, cancellationToken);
            var seen = await machine.Engine.InspectContainerAsync(id, CancellationToken.None);
            Ready(new Spare(id, name, seen is null ? null : NetworkFiles.TryRead(seen)));
        }
        catch (EngineException error) when (error.NotFound)
        {
            // Somebody removed it, or the cluster's network.
            await machine.PrepareAsync(cancellationToken);
            throw;
        }
    }

    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        foreach (var spare in ToCheck())
        {
            if (await machine.Engine.InspectContainerAsync(spare.Id, cancellationToken) is not { State.Running: true })
            {
                Lost(spare.Id);
            }
        }
    }

    /// <summary>Whether all could be removed; those that could not keep nobody from having new ones.</summary>
    private async Task<bool> RemoveUnwantedAsync(TimeSpan retry, CancellationToken cancellationToken)
    {
        var all = true;
        foreach (var name in Unwanted())
        {
            try
            {
                await machine.Engine.RemoveContainerAsync(name, cancellationToken);
                Removed(name);
            }
            catch (EngineException error)
            {
                all = false;
                machine.Logger.NotRemoved(name, error.Message, retry);
            }
        }

        return all;
    }

    private List<Spare> ToCheck()
    {
        lock (_lock)
        {
            var all = _lookAgain ? _ready.ToList() : [];
            _lookAgain = false;
            return all;
        }
    }

    private List<string> Unwanted()
    {
        lock (_lock)
        {
            return [.. _unwanted];
        }
    }

    // As many as can be wanted at once.
    private bool TryExpect()
    {
        lock (_lock)
        {
            if (!machine.KeepsSpares || _ready.Count + _expected >= Math.Max(machine.Options.SpareNetworks, machine.Options.ParallelStarts))
            {
                return false;
            }

            _expected++;
            return true;
        }
    }

    private void Expected()
    {
        lock (_lock)
        {
            _expected--;
        }
    }

    private void DiscardSurplus()
    {
        lock (_lock)
        {
            Drop([.. _ready.Take(-Missing())]);
        }
    }

    /// <summary>How many are to be made; negative when there are too many.</summary>
    private int Missing()
    {
        lock (_lock)
        {
            return (machine.KeepsSpares ? machine.Options.SpareNetworks : 0) - _ready.Count;
        }
    }

    private Spare? Take()
    {
        lock (_lock)
        {
            _changed.Ring();
            return _ready.TryDequeue(out var spare) ? spare : null;
        }
    }

    private void Ready(Spare spare)
    {
        lock (_lock)
        {
            _unwanted.Remove(spare.Name);
            _ready.Enqueue(spare);
        }
    }

    private void Discard(string name)
    {
        lock (_lock)
        {
            _unwanted.Add(name);
        }
    }

    private void Removed(string name)
    {
        lock (_lock)
        {
            _unwanted.Remove(name);
        }
    }

    private void Drop(List<Spare> lost)
    {
        if (lost.Count == 0)
        {
            return;
        }

        var kept = _ready.Except(lost).ToList();
        _ready.Clear();
        kept.ForEach(_ready.Enqueue);
        _unwanted.UnionWith(lost.Select(s => s.Name));
        _changed.Ring();
    }
}
