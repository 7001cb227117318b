using System.Security.Cryptography;
using Cortex.Background;
using Cortex.Core.Specs;
using Cortex.Runtimes.Docker.Engine;
using Cortex.Runtimes.Probes;

namespace Cortex.Runtimes.Docker;

/// <summary>One run of a probe's command: bounded by the probe's timeout, and killed when it takes longer.</summary>
/// <remarks>
/// The engine takes a while to begin a command and to notice its end, on a busy machine longer than most probes allow. That time is not the
/// program's: the timeout counts from the moment at which the engine was first seen to have begun the command, and not while its process has ended.
/// </remarks>
internal sealed class ProbeCommand
{
    private const string Variable = "CORTEX_PROBE";

    // Every process that the command has started has inherited the mark.
    private const string KillMarked =
        "for e in /proc/[0-9]*/environ; do if grep -q \"$0\" \"$e\" 2>/dev/null; then p=${e#/proc/}; kill -9 \"${p%/environ}\"; fi; done";

    // So often within its timeout it is looked whether it has begun.
    private const int Looks = 4;

    // So long is waited for the engine to begin a command, or to notice its end.
    private static readonly TimeSpan _enginePatience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan _outputLate = TimeSpan.FromMilliseconds(100);
    private static readonly Backoff _kills = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    private static readonly TimeSpan _killTimeout = TimeSpan.FromSeconds(10);

    private readonly DockerMachine _machine;
    private readonly string _podId;
    private readonly string _containerId;
    private readonly IReadOnlyList<string> _command;
    private readonly TimeSpan _timeout;
    private readonly TaskCompletionSource<ProbeResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ProbeCommand(DockerMachine machine, string podId, string containerId, ProbeSpec probe)
    {
        _machine = machine;
        _podId = podId;
        _containerId = containerId;
        _command = probe.Exec!.Command;
        _timeout = ProbePace.Timeout(probe);
        Over = Task.Run(RunAsync);
    }

    /// <summary>What the check has found. Waits no longer than the timeout, the engine's own time apart.</summary>
    public Task<ProbeResult> Result => _result.Task;

    /// <summary>Ends without an error when the command does not run any more, or when the runtime closes.</summary>
    public Task Over { get; }

    /// <summary>Begins to run the command of a probe; not cancelled by anybody, as the engine would go on with it all the same.</summary>
    public static ProbeCommand Start(DockerMachine machine, string podId, string containerId, ProbeSpec probe) => new(machine, podId, containerId, probe);

    /// <summary>Kills, from within a container, every process that has a variable of this value in its environment. Needs a shell and grep.</summary>
    internal static Task<ExecResult> KillInsideAsync(DockerEngine engine, string containerId, string mark, CancellationToken cancellationToken) =>
        engine.ExecAsync(containerId, ["sh", "-c", KillMarked, mark], cancellationToken);

    private async Task RunAsync()
    {
        using var left = CancellationTokenSource.CreateLinkedTokenSource(_machine.Closing);
        try
        {
            await RunAsync(left.Token);
        }
        catch (EngineException error)
        {
            _result.TrySetResult(ProbeResult.Bad(error.Message));
        }
        catch (RuntimeUnavailableException error)
        {
            _result.TrySetResult(ProbeResult.None(error.Message));
        }
        catch (OperationCanceledException)
        {
            _result.TrySetCanceled(CancellationToken.None);
        }
        catch (Exception error)
        {
            // Whoever waits for the result is told, and his supervision begins anew.
            _result.TrySetException(error);
        }
        finally
        {
            // Whoever waits for a command that the engine has forgotten would wait for ever.
            await left.CancelAsync();
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        var mark = $"{Variable}={RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        var exec = await _machine.Engine.CreateExecAsync(_containerId, _command, mark, cancellationToken);
        var run = _machine.Engine.RunExecAsync(exec, cancellationToken);
        if (await EndInTimeAsync(exec, run, cancellationToken) is { } ended)
        {
            _result.TrySetResult(ended.ExitCode == 0 ? ProbeResult.Good : ProbeResult.Bad($"the command ended with {ended.ExitCode}: {ended.Output.Trim()}"));
        }
        else
        {
            await KillAsync(exec, mark, run, cancellationToken);
        }
    }

    /// <summary>How it ended; null when it still runs and its time is over.</summary>
    private async Task<ExecResult?> EndInTimeAsync(string exec, Task<ExecResult> run, CancellationToken cancellationToken)
    {
        long? began = null;
        long? waits = null;   // for the engine
        while (!await EndsAsync(run, _timeout / Looks, cancellationToken))
        {
            var seen = await LookAsync(exec, cancellationToken);
            if (seen.HasEnded)
            {
                // Something that it has started may hold its output open for ever.
                return await EndsAsync(run, _outputLate, cancellationToken) ? await run : new ExecResult(seen.ExitCode!.Value, "", false);
            }

            if (seen.Pid == 0 || HasEndedUnnoticed(seen.Pid))
            {
                waits ??= _machine.Time.GetTimestamp();
                if (_machine.Time.GetElapsedTime(waits.Value) >= _enginePatience)
                {
                    // Engines have been seen to lose a command. The next check is not to wait for that.
                    _result.TrySetResult(ProbeResult.None(seen.Pid == 0 ? "Docker Engine does not begin the command" : "Docker Engine does not notice the command's end"));
                    if (seen.Pid != 0)
                    {
                        return new ExecResult(-1, "", false);
                    }
                }

                continue;
            }

            waits = null;
            began ??= _machine.Time.GetTimestamp();
            if (_machine.Time.GetElapsedTime(began.Value) >= _timeout)
            {
                return null;
            }
        }

        return await run;
    }

    // The engine takes a while to notice an end, too.
    private bool HasEndedUnnoticed(int pid)
    {
        var runs = HostProcess.Runs(pid, _containerId);
        _machine.SeesProcesses |= runs is true;
        return runs is false || (runs is null && _machine.SeesProcesses);
    }

    private async Task KillAsync(string exec, string mark, Task run, CancellationToken cancellationToken)
    {
        var told = false;
        for (var pause = _kills.First; ; pause = _kills.Next(pause))
        {
            var failure = await TryKillAsync(exec, mark, cancellationToken);
            var ended = failure is null || await EndsAsync(run, pause, cancellationToken);

            // Said only now: the next check is not to find this one's command in its way.
            _result.TrySetResult(ProbeResult.Bad(ProbePace.TooSlow(_timeout)));
            if (ended)
            {
                return;
            }

            if (!told)
            {
                told = true;
                _machine.Logger.CommandStays(_podId, string.Join(' ', _command), failure!);
            }
        }
    }

    /// <summary>Tries to kill the command. Returns why it may run on; null when it does not run any more.</summary>
    private async Task<string?> TryKillAsync(string exec, string mark, CancellationToken cancellationToken)
    {
        const string Stays = "it was killed and does not end";
        var seen = await LookAsync(exec, cancellationToken);
        if (seen.HasEnded)
        {
            return null;
        }

        if (HostProcess.TryKill(seen.Pid, _containerId))
        {
            return Stays;
        }

        using var limit = new CallLimit(_killTimeout, _machine.Time, cancellationToken);
        try
        {
            var killed = await KillInsideAsync(_machine.Engine, _containerId, mark, limit.Token);
            return killed.ExitCode == 0 ? Stays : $"this process may not kill it, and within the container that fails: {killed.Output.Trim()}";
        }
        catch (Exception error) when (error is EngineException or RuntimeUnavailableException)
        {
            return error.Message;
        }
        catch (OperationCanceledException) when (limit.TimedOut && !cancellationToken.IsCancellationRequested)
        {
            return $"no command in the container could end it within {_killTimeout.TotalSeconds:0} s";
        }
    }

    // The command is not forgotten while the engine is silent: it may hang for ever when the engine is back.
    private async Task<InspectedExec> LookAsync(string exec, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await _machine.Engine.InspectExecAsync(exec, cancellationToken);
            }
            catch (RuntimeUnavailableException error)
            {
                _result.TrySetResult(ProbeResult.None(error.Message));
                await Task.Delay(_kills.First, _machine.Time, cancellationToken);
            }
        }
    }

    private async Task<bool> EndsAsync(Task run, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            await run.WaitAsync(patience, _machine.Time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
