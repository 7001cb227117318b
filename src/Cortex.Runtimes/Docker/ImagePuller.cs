using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>Pulls images; those who want the same image at the same time share one pull.</summary>
internal sealed class ImagePuller(DockerEngine engine, RegistryCredentials credentials, TimeSpan timeout, TimeProvider time, CancellationToken closing)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, SharedPull> _pulls = new(StringComparer.Ordinal);

    /// <summary>Pulls an image, or waits for the pull that is under way.</summary>
    /// <param name="image">The reference.</param>
    /// <param name="progress">Is told, now and then, how far the pull is.</param>
    /// <param name="cancellationToken">Stops waiting; the pull goes on for the others.</param>
    /// <exception cref="ImagePullException">The image can't be had; the message has the registry's words.</exception>
    public async Task PullAsync(string image, Action<string> progress, CancellationToken cancellationToken)
    {
        var pull = Join(image, progress);
        try
        {
            await pull.Done.WaitAsync(cancellationToken);
        }
        finally
        {
            pull.Progress -= progress;
        }
    }

    private SharedPull Join(string image, Action<string> progress)
    {
        lock (_lock)
        {
            if (!_pulls.TryGetValue(image, out var pull))
            {
                _pulls[image] = pull = new SharedPull();
                pull.Done = RunAsync(image, pull);
            }

            pull.Progress += progress;
            return pull;
        }
    }

    // A method of its own: optimized code of a `lock` in the `finally` of an async method was seen to leave the lock
    // taken after an exception, so that the next pull waited for ever.
    private void Forget(string image)
    {
        lock (_lock)
        {
            _pulls.Remove(image);
        }
    }

    private async Task RunAsync(string image, SharedPull pull)
    {
        await Task.Yield();
        using var limit = new CallLimit(timeout, time, closing);
        try
        {
            var reference = ImageReference.Parse(image);
            var auth = await credentials.FindAsync(reference.Registry, limit.Token);
            var reported = time.GetTimestamp();
            await engine.PullImageAsync(reference, auth, (had, all) =>
            {
                // Docker reports many times a second; a person reads once.
                if (time.GetElapsedTime(reported) >= TimeSpan.FromSeconds(1))
                {
                    reported = time.GetTimestamp();
                    pull.Report($"pulling image {image}: {had >> 20} of {all >> 20} MiB");
                }
            }, limit.Token);
        }
        catch (Exception error) when (error is EngineException or RegistryCredentialsException)
        {
            throw new ImagePullException($"can't pull image {image}: {error.Message}", error);
        }
        catch (OperationCanceledException error) when (limit.TimedOut && !closing.IsCancellationRequested)
        {
            throw new ImagePullException($"can't pull image {image}: it took longer than {timeout.TotalMinutes:0.#} min", error);
        }
        finally
        {
            Forget(image);
        }
    }

    private sealed class SharedPull
    {
        public event Action<string>? Progress;

        public Task Done { get; set; } = Task.CompletedTask;

        public void Report(string words) => Progress?.Invoke(words);
    }
}

/// <summary>An image can't be had.</summary>
/// <param name="message">The registry's words.</param>
/// <param name="innerException">What caused it.</param>
internal sealed class ImagePullException(string message, Exception innerException) : Exception(message, innerException);
