using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Cortex.Runtimes;

namespace Cortex.Jobs;

/// <summary>What jobs have written, kept after their pods are gone: a file per attempt, with the last of its output.</summary>
/// <param name="folder">Where the files are; made when it is missing.</param>
/// <param name="maxBytes">Bytes kept of one attempt.</param>
public sealed class JobLogs(string folder, long maxBytes)
{
    private readonly ConcurrentDictionary<string, int> _keeping = new(StringComparer.Ordinal);
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";

    /// <summary>Keeps lines until they end. An attempt without a single line leaves what was kept of it before.</summary>
    public async Task KeepAsync(string apiName, string jobId, int attempt, IAsyncEnumerable<LogLine> lines, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var path = PathOf(apiName, jobId, attempt);
        var unfinished = path + ".new";
        var job = FolderOf(apiName, jobId);
        _keeping.AddOrUpdate(job, 1, (_, count) => count + 1);
        try
        {
            Directory.CreateDirectory(job);
            var written = await WriteAsync(unfinished, lines, cancellationToken);
            if (written > 0 || !File.Exists(path))
            {
                File.Move(unfinished, path, overwrite: true);
            }
        }
        finally
        {
            // Also after a failure: whoever reads the logs waits as long as some are being kept.
            if (_keeping.AddOrUpdate(job, 0, (_, count) => count - 1) == 0)
            {
                _keeping.TryRemove(KeyValuePair.Create(job, 0));
            }

            if (File.Exists(unfinished))
            {
                File.Delete(unfinished);
            }
        }
    }

    /// <summary>Whether anything was kept of an attempt, be it that it had written nothing.</summary>
    public bool Has(string apiName, string jobId, int attempt) => File.Exists(PathOf(apiName, jobId, attempt));

    /// <summary>Whether lines of a job are being kept at this moment.</summary>
    public bool IsKeeping(string apiName, string jobId) => _keeping.ContainsKey(FolderOf(apiName, jobId));

    /// <summary>The attempts of a job of which something was kept, in order. Files that others put there are none of them.</summary>
    public IReadOnlyList<int> Kept(string apiName, string jobId)
    {
        var path = FolderOf(apiName, jobId);
        return !Directory.Exists(path) ? []
            : [.. Directory.EnumerateFiles(path, "*.log").Select(AttemptOf).OfType<int>().Order()];
    }

    /// <summary>The lines that were kept of an attempt, oldest first; none when nothing was.</summary>
    public async IAsyncEnumerable<LogLine> ReadAsync(string apiName, string jobId, int attempt, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var path = PathOf(apiName, jobId, attempt);
        if (!File.Exists(path))
        {
            yield break;
        }

        using var reader = new StreamReader(path, Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellationToken) is { } text)
        {
            if (Parse(text) is { } line)
            {
                yield return line;
            }
        }
    }

    /// <summary>Forgets a job. One that has no logs is no error.</summary>
    public void Remove(string apiName, string jobId)
    {
        var path = FolderOf(apiName, jobId);
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    /// <summary>Forgets the jobs that are not known any more, such as those that became too old: all that can be removed, also when some can't.</summary>
    /// <param name="getKnown">Those of some ids that are jobs.</param>
    /// <exception cref="AggregateException">Why some could not be removed.</exception>
    public async Task RemoveUnknownAsync(Func<IReadOnlyCollection<string>, Task<IReadOnlySet<string>>> getKnown)
    {
        ArgumentNullException.ThrowIfNull(getKnown);
        if (!Directory.Exists(folder))
        {
            return;
        }

        List<Exception> errors = [];
        var jobs = Directory.EnumerateDirectories(folder).SelectMany(api => Try(() => Directory.GetDirectories(api), errors) ?? []).ToList();
        var known = await getKnown([.. jobs.Select(job => System.IO.Path.GetFileName(job))]);
        foreach (var job in jobs.Where(job => !known.Contains(System.IO.Path.GetFileName(job))))
        {
            Try(() =>
            {
                Directory.Delete(job, recursive: true);
                return true;
            }, errors);
        }

        if (errors.Count > 0)
        {
            throw new AggregateException(errors);
        }
    }

    private static T? Try<T>(Func<T> act, List<Exception> errors)
    {
        try
        {
            return act();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            errors.Add(exception);
            return default;
        }
    }

    private static int? AttemptOf(string file) =>
        int.TryParse(System.IO.Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var attempt) ? attempt : null;

    private string FolderOf(string apiName, string jobId) => System.IO.Path.Combine(folder, apiName, jobId);

    private string PathOf(string apiName, string jobId, int attempt) =>
        System.IO.Path.Combine(FolderOf(apiName, jobId), string.Create(CultureInfo.InvariantCulture, $"{attempt}.log"));

    // Answers with how many bytes there were.
    private async Task<long> WriteAsync(string path, IAsyncEnumerable<LogLine> lines, CancellationToken cancellationToken)
    {
        long written = 0;
        await using var file = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read, 64 * 1024);
        await foreach (var line in lines.WithCancellation(cancellationToken))
        {
            var bytes = Encoding.UTF8.GetBytes(Format(line));
            await file.WriteAsync(bytes, cancellationToken);
            written += bytes.Length;
            if (file.Length > 2 * maxBytes)
            {
                await DropHeadAsync(file, cancellationToken);
            }
        }

        if (file.Length > maxBytes)
        {
            await DropHeadAsync(file, cancellationToken);
        }

        return written;
    }

    // Leaves the last whole lines that fit.
    private async Task DropHeadAsync(FileStream file, CancellationToken cancellationToken)
    {
        var tail = new byte[maxBytes];
        file.Position = file.Length - maxBytes;
        await file.ReadExactlyAsync(tail, cancellationToken);
        var firstLine = tail.AsSpan().IndexOf((byte)'\n') + 1;
        file.SetLength(0);
        await file.WriteAsync(tail.AsMemory(firstLine), cancellationToken);
    }

    private static string Format(LogLine line) => string.Create(
        CultureInfo.InvariantCulture,
        $"{line.Timestamp.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}\t{line.Container}\t{(line.IsError ? 'e' : 'o')}\t{line.Text.Replace('\r', ' ').Replace('\n', ' ')}\n");

    private static LogLine? Parse(string text)
    {
        var parts = text.Split('\t', 4);
        return parts.Length == 4 && DateTimeOffset.TryParse(parts[0], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? new LogLine(parts[1], time, parts[3], parts[2] == "e")
            : null;
    }
}
