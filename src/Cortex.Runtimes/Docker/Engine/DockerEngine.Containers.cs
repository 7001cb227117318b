using System.Formats.Tar;
using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using Cortex.Background;

namespace Cortex.Runtimes.Docker.Engine;

internal sealed partial class DockerEngine
{
    /// <summary>All containers of a label, also those that do not run.</summary>
    public Task<ListedContainer[]> ListContainersAsync(CancellationToken cancellationToken, params string[] labels) => GetAsync(
        $"/containers/json?all=1&filters={Filters([.. labels.Select(l => ("label", l))])}",
        EngineJson.Default.ListedContainerArray, cancellationToken);

    /// <summary>One container by id or name; null when there is none.</summary>
    public async Task<InspectedContainer?> InspectContainerAsync(string idOrName, CancellationToken cancellationToken)
    {
        try
        {
            return await GetAsync($"/containers/{idOrName}/json", EngineJson.Default.InspectedContainer, cancellationToken);
        }
        catch (EngineException error) when (error.NotFound)
        {
            return null;
        }
    }

    /// <exception cref="EngineException">404: no such image; 409: the name is taken.</exception>
    public async Task<string> CreateContainerAsync(string name, CreateContainer container, CancellationToken cancellationToken) =>
        (await PostAsync($"/containers/create?name={name}", Json(container, EngineJson.Default.CreateContainer),
            EngineJson.Default.Created, cancellationToken)).Id;

    /// <summary>Starts a container when it is its turn. Only the wait for that is cancelled: what the engine does all the same would not be known.</summary>
    public Task StartContainerAsync(string id, CancellationToken cancellationToken) =>
        _pace.RunAsync(() => CallAsync(HttpMethod.Post, $"/containers/{id}/start", null, CancellationToken.None), cancellationToken);

    /// <summary>Sends a signal when it is its turn.</summary>
    /// <exception cref="EngineException">404: none; 409: it does not run.</exception>
    public Task KillContainerAsync(string id, CancellationToken cancellationToken, string signal = "SIGKILL") =>
        _pace.RunAsync(() => CallAsync(HttpMethod.Post, $"/containers/{id}/kill?signal={signal}", null, cancellationToken), cancellationToken);

    /// <summary>Waits until a container does not run. Not bounded: cancel it.</summary>
    /// <exception cref="EngineException">404: none.</exception>
    public async Task WaitForEndAsync(string id, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Post, $"/containers/{id}/wait?condition=not-running", null, cancellationToken);
        await ReadAsync(answer, EngineJson.Default.WaitedFor, cancellationToken);
    }

    /// <exception cref="EngineException">404: none; 409 or 500: it does not run, or stands still already.</exception>
    public Task PauseContainerAsync(string id, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Post, $"/containers/{id}/pause", null, cancellationToken);

    /// <exception cref="EngineException">404: none; 409 or 500: it does not stand still.</exception>
    public Task UnpauseContainerAsync(string id, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Post, $"/containers/{id}/unpause", null, cancellationToken);

    public Task RenameContainerAsync(string id, string name, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Post, $"/containers/{id}/rename?name={name}", null, cancellationToken);

    /// <summary>Kills and removes a container when it is its turn; one that is gone, or is being removed by somebody else, is no error.</summary>
    public async Task RemoveContainerAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            await _pace.RunAsync(() => CallAsync(HttpMethod.Delete, $"/containers/{id}?force=1&v=1", null, cancellationToken), cancellationToken);
        }
        catch (EngineException error) when (error.NotFound || error.Conflict)
        {
            // 409 means that a removal is in progress.
        }
    }

    /// <summary>
    /// Writes read-only files into a container, also into its volumes, whether it runs or not, and lets every user write
    /// into <paramref name="openDirectories"/> (names below the root, made where they are missing).
    /// </summary>
    public async Task UploadAsync(
        string id, IEnumerable<string> openDirectories, IEnumerable<KeyValuePair<string, string>> files, CancellationToken cancellationToken)
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var directory in openDirectories)
            {
                writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, directory + "/")
                {
                    Mode = (UnixFileMode)0b111_111_111,
                    ModificationTime = _time.GetUtcNow(),
                });
            }

            foreach (var (path, text) in files)
            {
                using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
                writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path.TrimStart('/'))
                {
                    DataStream = content,
                    Mode = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
                    ModificationTime = _time.GetUtcNow(),
                });
            }
        }

        using var body = new ByteArrayContent(tar.ToArray());
        body.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        await CallAsync(HttpMethod.Put, $"/containers/{id}/archive?path=/", body, cancellationToken);
    }

    /// <summary>What a container uses now; null when it is gone.</summary>
    public async Task<ContainerStats?> StatsAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            return await GetAsync($"/containers/{id}/stats?stream=0&one-shot=1", EngineJson.Default.ContainerStats, cancellationToken);
        }
        catch (EngineException error) when (error.NotFound || error.Conflict)
        {
            return null;
        }
    }

    /// <summary>Runs a command in a container to its end. Cancelling stops waiting, not the command: the engine can't.</summary>
    public async Task<ExecResult> ExecAsync(string id, IReadOnlyList<string> command, CancellationToken cancellationToken) =>
        await RunExecAsync(await CreateExecAsync(id, command, null, cancellationToken), cancellationToken);

    /// <summary>Prepares a command and gives its id.</summary>
    /// <param name="id">The container.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="variable">A <c>NAME=value</c> for its environment, by which its processes can be told from others; null for none.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<string> CreateExecAsync(string id, IReadOnlyList<string> command, string? variable, CancellationToken cancellationToken) =>
        (await PostAsync($"/containers/{id}/exec", Json(new CreateExec(command, true, true) { Env = variable is null ? null : [variable] }, EngineJson.Default.CreateExec),
            EngineJson.Default.Created, cancellationToken)).Id;

    /// <summary>Starts a prepared command and waits for its end.</summary>
    public async Task<ExecResult> RunExecAsync(string execId, CancellationToken cancellationToken)
    {
        var output = new StringBuilder();
        using (var answer = await SendAsync(HttpMethod.Post, $"/exec/{execId}/start",
            Json(new StartExec(false, false), EngineJson.Default.StartExec), cancellationToken))
        {
            await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
            await foreach (var frame in LogFrames.ReadAsync(body, cancellationToken))
            {
                if (output.Length < MaxExecOutput)
                {
                    output.Append(Encoding.UTF8.GetString(frame.Bytes));
                }
            }
        }

        // The output ends a little before the engine knows how the command has ended.
        for (var pause = _execEnds.First; ; pause = _execEnds.Next(pause))
        {
            if (await InspectExecAsync(execId, cancellationToken) is { Running: false } ended)
            {
                output.Length = Math.Min(output.Length, MaxExecOutput);
                return new ExecResult(ended.ExitCode ?? -1, output.ToString(), false);
            }

            await Task.Delay(pause, _time, cancellationToken);
        }
    }

    /// <summary>What has become of a command.</summary>
    /// <exception cref="EngineException">404: the engine does not know it any more.</exception>
    public Task<InspectedExec> InspectExecAsync(string execId, CancellationToken cancellationToken) =>
        GetAsync($"/exec/{execId}/json", EngineJson.Default.InspectedExec, cancellationToken);

    /// <summary>The entries of a container's log, each with its time in front.</summary>
    /// <param name="id">The container.</param>
    /// <param name="follow">Go on until it ends.</param>
    /// <param name="tail">At most so many of the last entries; null for all.</param>
    /// <param name="since">Nanoseconds since 1970; null for all.</param>
    /// <param name="cancellationToken">Ends the stream.</param>
    public async IAsyncEnumerable<LogFrame> LogsAsync(
        string id, bool follow, int? tail, Int128? since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var from = since is { } at
            ? string.Create(CultureInfo.InvariantCulture, $"&since={at / 1_000_000_000}.{(long)(at % 1_000_000_000):000000000}")
            : "";
        var path = string.Create(CultureInfo.InvariantCulture,
            $"/containers/{id}/logs?stdout=1&stderr=1&timestamps=1&follow={(follow ? 1 : 0)}&tail={(tail is { } n ? n : "all")}{from}");
        using var answer = await SendAsync(HttpMethod.Get, path, null, cancellationToken);
        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var frame in LogFrames.ReadAsync(body, cancellationToken))
        {
            yield return frame;
        }
    }

    /// <summary>Characters kept of a command's output.</summary>
    private const int MaxExecOutput = 4096;

    private static readonly Backoff _execEnds = new(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(500));
}
