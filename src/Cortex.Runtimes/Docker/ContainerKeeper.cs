using Cortex.Background;
using Cortex.Core.Errors;
using Cortex.Core.Specs;
using Cortex.Runtimes.Docker.Engine;
using Cortex.Runtimes.Probes;
using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Docker;

/// <summary>Keeps one container of a pod as it should be: created, started, probed, and started again when it ends.</summary>
/// <remarks>
/// One loop per container: look, do the one thing that is next, look again. A container is started again in place, so
/// that its log goes on.
/// </remarks>
internal sealed class ContainerKeeper(DockerPod pod, PodContainer container, DockerMachine machine, ContainerKeeper? previous)
{
    /// <summary>Kubernetes' exit code for a container that could not be started.</summary>
    private const int StartError = 128;

    /// <summary>After so many failed starts in a row a container that has run before is made anew.</summary>
    private const int StartsTried = 3;

    /// <summary>So often it is tried to halt a container.</summary>
    private const int PausesTried = 5;

    /// <summary>The engine's name for a container that somebody is removing.</summary>
    private const string Removing = "removing";

    private static readonly Backoff _retries = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));

    // That a container has ended and that it ran out of memory are two events, which come in any order.
    private static readonly TimeSpan _oomLate = TimeSpan.FromMilliseconds(300);

    /// <summary>So many commands of checks may run at a time, those included that nobody can end.</summary>
    private const int MaxCommands = 4;

    // A command that has run this long has started.
    private static readonly TimeSpan _commandStart = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly List<Task> _commands = [];   // of checks, under way or left over
    private readonly Bell _changed = new();
    private readonly ContainerStop _stop = new(pod, container, machine);
    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _nextStart = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ContainerSight _sight = ContainerSight.Missing;
    private ContainerPhase _phase = ContainerPhase.Creating;
    private bool _ready;
    private bool _inherited;   // ready by what an earlier process found
    private bool _paused;
    private volatile TaskCompletionSource _outOfMemory = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile TaskCompletionSource? _goesOn;
    private bool _filesWritten;
    private bool _forgiven;
    private int _failedStarts;
    private int _restarts;
    private int _restartsInARow;
    private int? _exitCode;
    private bool _oomKilled;
    private DateTimeOffset? _endedAt;
    private DateTimeOffset _startedAt;
    private long? _began;   // by a clock that nobody sets; null when an earlier process started it
    private string _reason = "";
    private string? _livenessFailure;
    private long? _memory;

    public PodContainer Container => container;

    public string ContainerName => DockerLabels.User(machine.Options.ClusterName, pod.Definition.Id, container.Name);

    /// <summary>The engine's id; null until it was created.</summary>
    public string? Id { get; private set; }

    public bool Running => Phase is ContainerPhase.Running;

    /// <summary>It ended and is not started again.</summary>
    public bool Over => Phase is ContainerPhase.Ended;

    /// <summary>Ends at the next start.</summary>
    public Task NextStart
    {
        get
        {
            lock (_lock)
            {
                return _nextStart.Task;
            }
        }
    }

    /// <summary>Ends when it has ended and is not started again.</summary>
    public Task WhenOver => _over.Task;

    /// <summary>Whether it has run at least once.</summary>
    public bool EverStarted { get; private set; }

    /// <summary>Whether its readiness probe passes, or it has none; also while it stands still.</summary>
    public bool IsReady
    {
        get
        {
            lock (_lock)
            {
                return _ready;
            }
        }
    }

    private ContainerPhase Phase
    {
        get
        {
            lock (_lock)
            {
                return _phase;
            }
        }
    }

    /// <summary>Takes over what an earlier process created.</summary>
    /// <param name="id">The engine's id.</param>
    /// <param name="sight">What the engine says of it.</param>
    /// <param name="wasReady">Whether its readiness probe passed then: it stays in service until a check says otherwise.</param>
    public void Adopt(string id, ContainerSight sight, bool wasReady)
    {
        Id = id;
        // How it ended is asked for before anything is decided.
        _sight = sight is ContainerSight.Ended ? ContainerSight.Unknown : sight;
        if (sight is ContainerSight.Running)
        {
            Started(DateTimeOffset.MinValue);
            if (wasReady)
            {
                Change(() => _ready = _inherited = true);
            }
        }

        // One that was only created may have been left before its files were written.
        _filesWritten = sight is not ContainerSight.Created;
        EverStarted = sight is ContainerSight.Running or ContainerSight.Ended;
    }

    /// <summary>Takes over what an earlier process has halted, which it does only with a pod that is ready.</summary>
    public void AdoptFrozen(string id)
    {
        Adopt(id, ContainerSight.Running, wasReady: true);
        lock (_lock)
        {
            (_ready, _paused) = (true, true);
        }
    }

    /// <summary>Waits until no command of a check runs in the container, or all have at least begun.</summary>
    /// <remarks>
    /// A command that the engine is about to start when the container is halted stands still half-way; the engine's helper for this container
    /// waits for it, and neither lets the container go on nor answers anything else.
    /// </remarks>
    public async Task QuietAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(Commands()).WaitAsync(_commandStart, machine.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Halts the container, which is quiet.</summary>
    public async Task PauseAsync()
    {
        for (var tries = 1; Id is { } id; tries++)
        {
            try
            {
                await machine.Engine.PauseContainerAsync(id, CancellationToken.None);
                Change(() => _paused = true);
                return;
            }
            catch (EngineException error) when (tries < PausesTried && !error.NotFound && Running)
            {
                // On a busy machine the first version of control groups may fail to catch every process ("unable to freeze").
                await Task.Delay(_retries.First, machine.Time, CancellationToken.None);
            }
        }
    }

    /// <summary>Lets the container go on, if it stands still.</summary>
    /// <remarks>
    /// The engine answers when it has synced that to disk; its event comes before, and the container has gone on by then.
    /// </remarks>
    public async Task UnpauseAsync()
    {
        var goesOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _goesOn = goesOn;
        var answered = AskToGoOnAsync(goesOn.Task);
        await await Task.WhenAny(answered, goesOn.Task);
        Change(() => _paused = false);
    }

    private async Task AskToGoOnAsync(Task goesOn)
    {
        try
        {
            if (Id is { } id)
            {
                await machine.Engine.UnpauseContainerAsync(id, CancellationToken.None);
            }
        }
        catch (Exception error) when (goesOn.IsCompleted && error is (EngineException or RuntimeUnavailableException))
        {
            // It goes on, whatever else went wrong.
        }
        catch (EngineException)
        {
            // The engine's statuses do not tell why. What matters is whether it still stands still.
            if (await IsPausedAsync(CancellationToken.None))
            {
                throw;
            }
        }
    }

    /// <summary>Whether the engine says that the container stands still.</summary>
    public async Task<bool> IsPausedAsync(CancellationToken cancellationToken) =>
        Id is { } id && await machine.Engine.InspectContainerAsync(id, cancellationToken) is { State.Status: DockerRuntime.Paused };

    /// <summary>An event of this container: whatever is known of it may be wrong, but that it goes on is as good as known.</summary>
    /// <param name="what">The engine's name of what happened.</param>
    public void Happened(string what)
    {
        if (what is "oom")
        {
            _outOfMemory.TrySetResult();
        }
        else if (what is "unpause" && !machine.Version.IsPodman)   // Podman sends it of attempts that failed, too
        {
            _goesOn?.TrySetResult();
        }

        _changed.Ring();
    }

    /// <summary>It was seen to use so many bytes of memory.</summary>
    public void Uses(long memory)
    {
        lock (_lock)
        {
            _memory = memory;
        }
    }

    /// <summary>Whatever is known of this container may be wrong.</summary>
    public void Doubt() => _changed.Ring();

    /// <summary>The pod's network is gone and with it the container.</summary>
    /// <param name="forgive">Start it again at once and hold nothing against it.</param>
    public void LostNetwork(bool forgive)
    {
        lock (_lock)
        {
            _forgiven = forgive;
            (_ready, _paused) = (false, false);
            _sight = ContainerSight.Unknown;
            if (forgive)
            {
                _phase = ContainerPhase.Creating;
            }
        }
    }

    public ContainerFacts Facts()
    {
        lock (_lock)
        {
            return new ContainerFacts(_phase, _ready && !_paused, _exitCode, _oomKilled, _endedAt);
        }
    }

    public ContainerStatus Status()
    {
        lock (_lock)
        {
            return new ContainerStatus
            {
                Name = container.Name,
                Running = _phase is ContainerPhase.Running,
                Ready = _phase is ContainerPhase.Running && _ready && !_paused,
                Restarts = _restarts,
                ExitCode = _exitCode,
                OomKilled = _oomKilled,
                StartedAt = _startedAt > DateTimeOffset.UnixEpoch ? _startedAt : null,
                EndedAt = _endedAt,
                MemoryBytes = _phase is ContainerPhase.Running ? _memory : null,
                Reason = _paused ? $"container {container.Name} is paused: docker unpause {ContainerName} lets it go on" : _reason,
            };
        }
    }

    /// <summary>Works until cancelled, or until a container that is not started again has ended.</summary>
    /// <param name="infraUp">Ends when the pod's network is there.</param>
    /// <param name="cancellationToken">Stops the work; the container stays as it is.</param>
    public async Task RunAsync(Task infraUp, CancellationToken cancellationToken)
    {
        var retry = _retries.First;
        while (true)
        {
            try
            {
                switch (_sight)
                {
                    case ContainerSight.Unknown:
                        await LookAsync(cancellationToken);
                        break;
                    case ContainerSight.Missing or ContainerSight.Created when pod.JobFailed.IsCompleted:
                        GiveUp(failed: false);
                        return;
                    case ContainerSight.Missing:
                        await CreateAsync(cancellationToken);
                        break;
                    case ContainerSight.Created:
                        if (await WriteFilesAsync())
                        {
                            await infraUp.WaitAsync(cancellationToken);
                            await (previous?._tried.Task ?? Task.CompletedTask).WaitAsync(cancellationToken);
                            await StartAsync(cancellationToken);
                        }

                        break;
                    case ContainerSight.Running:
                        await SuperviseAsync(cancellationToken);
                        break;
                    case ContainerSight.Ended when pod.Definition.Restart is RestartPolicy.Never && !_forgiven:
                        GiveUp(failed: _exitCode is not 0);
                        return;
                    default:
                        await BackOffAsync(cancellationToken);
                        break;
                }

                retry = _retries.First;
            }
            catch (RuntimeUnavailableException error)
            {
                Note(error.Message);
                await Task.Delay(retry, machine.Time, cancellationToken);
                retry = _retries.Next(retry);
                _sight = ContainerSight.Unknown;
            }
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var seen = await machine.Engine.InspectContainerAsync(Id ?? ContainerName, cancellationToken);
        if (seen is null)
        {
            var wasRunning = Running;
            Id = null;
            if (wasRunning || (EverStarted && pod.Definition.Restart is RestartPolicy.Never))
            {
                Ended(SignalExitCodes.Killed, oom: false, machine.Time.GetUtcNow(), $"container {container.Name} was removed");
            }
            else
            {
                _sight = ContainerSight.Missing;
            }

            return;
        }

        Id = seen.Id;
        if (seen.State.Status is Removing)
        {
            _sight = ContainerSight.Unknown;
            await Task.Delay(_retries.First, machine.Time, cancellationToken);
        }
        else if (seen.State.Running)
        {
            if (!Running)
            {
                Started(seen.State.StartedAt);
            }

            // The system still accepts connections for a program that stands still, so no probe of the port tells.
            var paused = seen.State.Status is DockerRuntime.Paused;
            Change(() => _paused = paused);
            _sight = ContainerSight.Running;
            if (!paused && pod.Freeze.Holds)
            {
                pod.Freeze.Doubt();
            }
        }
        else if (seen.State.Status is "created")
        {
            _sight = ContainerSight.Created;
        }
        else
        {
            if (seen.State is { OOMKilled: false, ExitCode: SignalExitCodes.Killed } && seen.HostConfig is not { Memory: 0 })
            {
                await _outOfMemory.Task.WaitAsync(_oomLate, machine.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
            }

            var oom = seen.State.OOMKilled || (_outOfMemory.Task.IsCompleted && seen.State.ExitCode == SignalExitCodes.Killed);
            NoteStart(seen.State.StartedAt);
            Ended(seen.State.ExitCode, oom, seen.State.FinishedAt,
                EndReason.Of(container.Name, seen.State.ExitCode, oom, ContainerPlan.OwnMemoryLimit(container, machine), container.Command is [var program, ..] ? program : null));
        }
    }

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        var infraId = pod.Network.Id ?? await pod.Network.Created.WaitAsync(cancellationToken);
        var gpus = container.Gpus > 0 ? machine.Gpus.Take(ContainerName, container.Gpus) : [];
        try
        {
            var image = await machine.Engine.InspectImageAsync(container.Image, cancellationToken);
            var plan = ContainerPlan.User(pod.Definition, container, machine, infraId, pod.NodeGroup, gpus, image?.Config);

            // Not cancelled with the pod: a container that the engine makes all the same would be left behind.
            Id = await machine.Engine.CreateContainerAsync(ContainerName, plan, CancellationToken.None);
            _filesWritten = false;
            _sight = ContainerSight.Created;
        }
        catch (EngineException error) when (error.NotFound && error.Message.Contains("image", StringComparison.OrdinalIgnoreCase))
        {
            await PullAsync(cancellationToken);
        }
        catch (EngineException error) when (error.Conflict)
        {
            await TakeOverAsync(ContainerPlan.JoinedMode(infraId), cancellationToken);
        }
        catch (Exception error) when (error is EngineException or CortexException)
        {
            Ended(StartError, oom: false, machine.Time.GetUtcNow(), $"container {container.Name} can't be created: {error.Message}");
        }
    }

    /// <summary>The name is taken: by a container of this pod, made by another process or for a network that is gone.</summary>
    private async Task TakeOverAsync(string networkMode, CancellationToken cancellationToken)
    {
        var seen = await machine.Engine.InspectContainerAsync(ContainerName, cancellationToken);
        if (seen is not null && seen.HostConfig?.NetworkMode != networkMode)
        {
            await machine.Engine.RemoveContainerAsync(seen.Id, CancellationToken.None);
        }

        Id = null;
        _sight = ContainerSight.Unknown;
    }

    private async Task PullAsync(CancellationToken cancellationToken)
    {
        var retries = new Backoff(machine.Options.PullRetryFirst, machine.Options.PullRetryMax);
        var delay = retries.First;
        while (true)
        {
            Change(() => (_phase, _reason) = (ContainerPhase.Creating, $"pulling image {container.Image}"));
            try
            {
                await machine.Images.PullAsync(container.Image, Note, cancellationToken);
                Change(() => _reason = "");
                return;
            }
            catch (Exception error) when (error is ImagePullException or RuntimeUnavailableException)
            {
                _tried.TrySetResult();
                Change(() => (_phase, _reason) = (ContainerPhase.ImageError, error.Message));
                machine.Logger.TryingAgain(pod.Definition.Id, error.Message, delay);
            }

            await await Task.WhenAny(Task.Delay(delay, machine.Time, cancellationToken), pod.JobFailed);
            if (pod.JobFailed.IsCompleted)
            {
                return;
            }

            delay = retries.Next(delay);

            // Somebody may have made the image on this machine meanwhile.
            if (await machine.Engine.ImageExistsAsync(container.Image, cancellationToken))
            {
                Change(() => (_phase, _reason) = (ContainerPhase.Creating, ""));
                return;
            }
        }
    }

    /// <summary>
    /// Puts the pod's files into the container and, where they belong there, into the directories that it shares with the
    /// others. Done by each container, so that none starts without them.
    /// </summary>
    /// <returns>Whether the container may start.</returns>
    private async Task<bool> WriteFilesAsync()
    {
        if (_filesWritten)
        {
            return true;
        }

        try
        {
            // The engine makes volumes that only root may write to; an image may run as any user.
            await machine.Engine.UploadAsync(Id!, DockerLabels.Volumes, pod.Definition.Files, CancellationToken.None);
            _filesWritten = true;
            return true;
        }
        catch (EngineException error) when (error.NotFound)
        {
            _sight = ContainerSight.Unknown;
            return false;
        }
        catch (EngineException error)
        {
            Ended(StartError, oom: false, machine.Time.GetUtcNow(), $"files of container {container.Name} can't be written: {error.Message}");
            return false;
        }
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            _outOfMemory = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _changed.Reset();
            await machine.Engine.StartContainerAsync(Id!, cancellationToken);
            Started(machine.Time.GetUtcNow());
        }
        catch (EngineException error)
        {
            if (!await pod.Network.RunsAsync(cancellationToken) || await IsUnusableAsync(cancellationToken))
            {
                // The network went away, which the pod will notice, or the container must be made anew.
                await Task.Delay(_retries.First, machine.Time, cancellationToken);
                _sight = ContainerSight.Unknown;
                return;
            }

            if (EverStarted && ++_failedStarts % StartsTried == 0)
            {
                var broken = Id!;
                Id = null;
                await machine.SetAsideAsync(broken, cancellationToken);
            }

            Ended(StartError, oom: false, machine.Time.GetUtcNow(), $"container {container.Name} can't be started: {error.Message}");
        }
        finally
        {
            _tried.TrySetResult();
        }
    }

    /// <summary>Whether somebody is removing the container, or it belongs to a network that is gone.</summary>
    private async Task<bool> IsUnusableAsync(CancellationToken cancellationToken)
    {
        var seen = await machine.Engine.InspectContainerAsync(Id!, cancellationToken);
        if (seen is null or { State.Status: Removing or "dead" })
        {
            return true;
        }

        var stale = pod.Network.Id is { } infraId && seen.HostConfig?.NetworkMode != ContainerPlan.JoinedMode(infraId);
        if (stale)
        {
            await machine.Engine.RemoveContainerAsync(seen.Id, CancellationToken.None);
        }

        return stale;
    }

    /// <summary>Probes the container until it no longer runs, but not while its pod is frozen.</summary>
    private async Task SuperviseAsync(CancellationToken cancellationToken)
    {
        for (var resumes = false; _sight is ContainerSight.Running; resumes = true)
        {
            await SuperviseAsync(pod.Freeze.Holds, resumes, cancellationToken);
        }
    }

    private async Task SuperviseAsync(bool halted, bool resumes, CancellationToken cancellationToken)
    {
        using var probing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var probes = halted ? Task.CompletedTask : Task.WhenAll(WatchReadinessAsync(resumes, probing.Token), WatchLivenessAsync(resumes, probing.Token));
        try
        {
            while (_sight is ContainerSight.Running && pod.Freeze.Holds == halted)
            {
                await _changed.WaitAsync(cancellationToken);
                await LookAsync(cancellationToken);
            }
        }
        finally
        {
            await probing.CancelAsync();
            try
            {
                await probes;
            }
            catch (OperationCanceledException)
            {
                // As was asked.
            }
        }
    }

    private async Task WatchReadinessAsync(bool resumes, CancellationToken cancellationToken)
    {
        if (container.ReadinessProbe is { } probe)
        {
            await new ProbeLoop(probe, machine.Time, CheckAsync) { Resumes = resumes && IsReady, Inherits = !resumes && _inherited }.WatchReadinessAsync(
                (ready, words) => Change(() => (_ready, _reason) = (ready, words.Length > 0 ? $"readiness probe of {container.Name}: {words}" : "")),
                cancellationToken);
        }
        else
        {
            Change(() => (_ready, _reason) = (true, ""));
        }
    }

    private async Task WatchLivenessAsync(bool resumes, CancellationToken cancellationToken)
    {
        if (container.LivenessProbe is not { } probe)
        {
            return;
        }

        var words = await new ProbeLoop(probe, machine.Time, CheckAsync) { Resumes = resumes }.WaitForDeathAsync(cancellationToken);
        _livenessFailure = $"container {container.Name} failed its liveness probe ({words})";
        Change(() => (_ready, _reason) = (false, _livenessFailure + " and is being restarted"));
        var deadline = Deadline.After(pod.Definition.StopGrace ?? machine.Options.StopGrace, machine.Time);
        while (true)
        {
            try
            {
                await StopAsync(deadline, cancellationToken);
                return;
            }
            catch (Exception error) when (error is EngineException or RuntimeUnavailableException)
            {
                Note($"{_livenessFailure} but can't be stopped: {error.Message}");
                await Task.Delay(_retries.Most, machine.Time, cancellationToken);
            }
        }
    }

    /// <summary>Runs one check of this container, one over the network without a limit of its own.</summary>
    private async Task<ProbeResult> CheckAsync(ProbeSpec probe, CancellationToken cancellationToken)
    {
        try
        {
            if (probe.Exec is null)
            {
                return await pod.Network.CheckAsync(probe, cancellationToken);
            }

            if (Begin(probe) is { } result)
            {
                return await result.WaitAsync(cancellationToken);
            }

            // It stands still, and whoever checks it is about to be told.
            await Task.Delay(Timeout.InfiniteTimeSpan, machine.Time, cancellationToken);
            throw new OperationCanceledException(cancellationToken);
        }
        catch (RuntimeUnavailableException error)
        {
            return ProbeResult.None(error.Message);
        }
        catch (EngineException error)
        {
            return ProbeResult.Bad(error.Message);
        }
    }

    // Null when the pod stands still.
    private Task<ProbeResult>? Begin(ProbeSpec probe)
    {
        lock (_lock)
        {
            if (pod.Freeze.Holds)
            {
                return null;
            }

            _commands.RemoveAll(each => each.IsCompleted);
            if (_commands.Count >= MaxCommands)
            {
                return Task.FromResult(ProbeResult.None("commands of earlier checks can't be ended"));
            }

            var command = ProbeCommand.Start(machine, pod.Definition.Id, Id!, probe);
            _commands.Add(command.Over);
            return command.Result;
        }
    }

    private List<Task> Commands()
    {
        lock (_lock)
        {
            return [.. _commands];
        }
    }

    /// <summary>Ends the container: its hook, SIGTERM, and SIGKILL at the deadline. Returns when it does not run.</summary>
    public Task StopAsync(Deadline deadline, CancellationToken cancellationToken) =>
        Id is { } id ? _stop.StopAsync(id, deadline, cancellationToken) : Task.CompletedTask;

    private async Task BackOffAsync(CancellationToken cancellationToken)
    {
        if (_forgiven)
        {
            _forgiven = false;
        }
        else
        {
            var delay = machine.Options.RestartBackoff.Delay(_restartsInARow++);
            Change(() =>
            {
                _phase = ContainerPhase.Waiting;
                _reason += delay > TimeSpan.Zero ? $"; it is started again in {delay.TotalSeconds:0.#} s" : "; it is started again";
            });
            await Task.Delay(delay, machine.Time, cancellationToken);
        }

        _restarts++;
        _sight = Id is null ? ContainerSight.Missing : ContainerSight.Created;
    }

    private void GiveUp(bool failed)
    {
        Change(() => _phase = ContainerPhase.Ended);
        _tried.TrySetResult();
        _over.TrySetResult();
        pod.ContainerIsOver(failed);
    }

    private void Started(DateTimeOffset at)
    {
        Change(() =>
        {
            _sight = ContainerSight.Running;
            _phase = ContainerPhase.Running;
            _ready = container.ReadinessProbe is null;
            _inherited = false;
            _paused = false;
            _reason = "";
            _livenessFailure = null;
            _forgiven = false;
            _failedStarts = 0;
            _startedAt = at;
            _began = at == DateTimeOffset.MinValue ? null : machine.Time.GetTimestamp();
            _memory = null;
            EverStarted = true;
            _nextStart.TrySetResult();
            _nextStart = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        });
        pod.ContainerStarted();
        _tried.TrySetResult();
    }

    private void Ended(int exitCode, bool oom, DateTimeOffset at, string reason)
    {
        if (_forgiven)
        {
            _sight = ContainerSight.Ended;
            return;
        }

        // One that an earlier process saw start has run for long enough. The times that are told are the engine's, and clocks can be set.
        if (_phase is ContainerPhase.Running && (_began is not { } began || machine.Time.GetElapsedTime(began) >= machine.Options.RestartResetAfter))
        {
            _restartsInARow = 0;
        }

        if (_livenessFailure is not null && exitCode == 0 && pod.Definition.Restart is RestartPolicy.Never)
        {
            // However politely it obeyed, it was ended because it had failed.
            exitCode = SignalExitCodes.Terminated;
        }

        _tried.TrySetResult();
        var why = _livenessFailure ?? reason;
        Change(() =>
        {
            _sight = ContainerSight.Ended;
            _phase = ContainerPhase.Waiting;
            (_ready, _paused) = (false, false);
            (_exitCode, _oomKilled, _endedAt) = (exitCode, oom, at);
            _reason = why;
        });
        pod.ContainerEnded();
        machine.Logger.ContainerEnded(pod.Definition.Id, why);
    }

    // An earlier process may have seen it start; only the engine remembers when.
    private void NoteStart(DateTimeOffset at)
    {
        lock (_lock)
        {
            _startedAt = at;
        }
    }

    private void Note(string reason) => Change(() => _reason = reason);

    private void Change(Action change)
    {
        lock (_lock)
        {
            change();
        }

        pod.Publish();
    }
}
