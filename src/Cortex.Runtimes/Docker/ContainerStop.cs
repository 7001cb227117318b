using Cortex.Runtimes.Docker.Engine;
using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Docker;

/// <summary>How a container of a pod is ended.</summary>
internal sealed class ContainerStop(DockerPod pod, PodContainer container, DockerMachine machine)
{
    /// <summary>Runs its hook, sends SIGTERM, and SIGKILL at the deadline. Returns when it does not run.</summary>
    public async Task StopAsync(string id, Deadline deadline, CancellationToken cancellationToken)
    {
        try
        {
            await RunHookAsync(id, deadline, cancellationToken);
        }
        catch (EngineException error) when (error.NotFound || error.Conflict)
        {
            // It has ended already.
            return;
        }

        await machine.StopAsync(id, deadline, cancellationToken);
    }

    private async Task RunHookAsync(string id, Deadline deadline, CancellationToken cancellationToken)
    {
        var left = deadline.Left(machine.Time);
        if (container.PreStop is not { } hook || left <= TimeSpan.Zero)
        {
            return;
        }

        using var limit = new CallLimit(left, machine.Time, cancellationToken);
        try
        {
            if (hook.Exec is { } exec)
            {
                var result = await machine.Engine.ExecAsync(id, exec.Command, limit.Token);
                if (result.ExitCode != 0)
                {
                    Failed($"exit code {result.ExitCode}: {result.Output.Trim()}");
                }
            }
            else if (hook.HttpGet is { } get && pod.Network.AddressOf(get.Port) is { } address)
            {
                var result = await machine.Checks.HttpAsync(address, get.Path, limit.Token);
                if (result.Passed is not true)
                {
                    Failed(result.Words);
                }
            }
        }
        catch (OperationCanceledException) when (limit.TimedOut && !cancellationToken.IsCancellationRequested)
        {
            Failed("it used up the grace period");
        }
    }

    private void Failed(string why) => machine.Logger.HookFailed(pod.Definition.Id, container.Name, why);
}
