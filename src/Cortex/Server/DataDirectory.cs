using System.Globalization;
using Cortex.Core.Clusters;
using Cortex.Queues.Blobs;

namespace Cortex.Server;

/// <summary>The files of one cluster on this machine, held by at most one server at a time.</summary>
internal sealed class DataDirectory : IDisposable
{
    /// <summary>The system's word for a lock that somebody else has (EWOULDBLOCK).</summary>
    private const int HeldByAnother = 11;

    private readonly string _path;
    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream held)
    {
        _path = path;
        _lock = held;
    }

    /// <summary>The database of the desired state.</summary>
    public string StatePath => Path.Combine(_path, "state.db");

    /// <summary>The database of the queues, when they are kept in a file.</summary>
    public string QueuesPath => Path.Combine(_path, "queues.db");

    /// <summary>The folder of large payloads and results, when they are kept in files.</summary>
    public string BlobsPath => Path.Combine(_path, "blobs");

    /// <summary>Takes hold of a data directory; the system lets go of it when the process ends, however it ends.</summary>
    public static DataDirectory Open(string path)
    {
        if (!Directory.Exists(path))
        {
            throw new InvalidClusterException($"the data directory {path} does not exist; `cortex cluster up` makes it");
        }

        try
        {
            return new DataDirectory(path, new FileStream(Path.Combine(path, "server.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception) when (exception.HResult == HeldByAnother)
        {
            throw new InvalidClusterException($"another server uses {path} ({exception.Message}); stop it first");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidClusterException($"the data directory {path} can't be used ({exception.Message}); the user that runs the server must be able to write there");
        }
    }

    /// <summary>The configuration; every default when there is no file.</summary>
    public ClusterConfig ReadConfig()
    {
        var file = Path.Combine(_path, "cluster.yaml");
        if (!File.Exists(file))
        {
            return new ClusterConfig();
        }

        var result = ClusterConfigParser.Parse("cluster.yaml", File.ReadAllText(file));
        return result.Config is { } config
            ? config
            : throw new InvalidClusterException(string.Join("\nerror: ", result.Errors));
    }

    /// <summary>
    /// The cluster's id, which its database, its bucket and its files bear; made at the first start. A cluster that has lost its data directory is another one.
    /// </summary>
    public string ReadClusterId()
    {
        var file = Path.Combine(_path, "cluster-id");
        if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } known)
        {
            return known;
        }

        var id = Guid.NewGuid().ToString("N");
        var temporary = file + ".new";
        using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(id + "\n"));
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, file, overwrite: true);
        FolderSync.Sync(_path);
        return id;
    }

    /// <summary>The token that clients must show.</summary>
    public string ReadToken()
    {
        var file = Path.Combine(_path, "token");
        var token = File.Exists(file) ? File.ReadAllText(file).Trim() : "";
        return token.Length >= 16 ? token : throw new InvalidClusterException($"{file} is missing or holds fewer than 16 characters; `cortex cluster up` makes it");
    }

    /// <summary>Tells others which process serves.</summary>
    public void WriteProcessId() =>
        File.WriteAllText(Path.Combine(_path, "server.pid"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();
}
