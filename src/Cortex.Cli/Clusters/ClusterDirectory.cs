using System.Security.Cryptography;
using Cortex.Client;
using Cortex.Client.Environments;
using Cortex.Core.Errors;

namespace Cortex.Cli.Clusters;

/// <summary>The files of one cluster on this machine.</summary>
internal sealed class ClusterDirectory(string path)
{
    /// <summary>The variable that names the directory itself, for one cluster only.</summary>
    public const string Variable = "CORTEX_DATA_DIR";

    private const int TokenBytes = 32;

    public string Path { get; } = path;

    /// <summary>The configuration as the user wrote it.</summary>
    public string ConfigPath => System.IO.Path.Combine(Path, "cluster.yaml");

    public string TokenPath => System.IO.Path.Combine(Path, "token");

    public string PidPath => System.IO.Path.Combine(Path, "server.pid");

    /// <summary>Held by the command that starts, changes or ends the cluster.</summary>
    public string LockPath => System.IO.Path.Combine(Path, "command.lock");

    public string LogPath => System.IO.Path.Combine(Path, "server.log");

    /// <summary>Large payloads and results of Async APIs.</summary>
    public string BlobsPath => System.IO.Path.Combine(Path, "blobs");

    /// <summary>What jobs have written.</summary>
    public string JobsPath => System.IO.Path.Combine(Path, "jobs");

    /// <summary>Whether a cluster has been made here.</summary>
    public bool Exists => File.Exists(ConfigPath);

    /// <summary>Whether the directory was named by the user, so that its name says nothing about the cluster's.</summary>
    public static bool IsGiven(CliHost host) => host.Variable(Variable) is { Length: > 0 };

    public static ClusterDirectory Of(CliHost host, string clusterName) =>
        new(host.Variable(Variable) is { Length: > 0 } path ? host.FullPath(path) : System.IO.Path.Combine(Parent(host), clusterName));

    /// <summary>Every cluster on this machine, by name.</summary>
    public static IReadOnlyList<ClusterDirectory> All(CliHost host)
    {
        string[] candidates = host.Variable(Variable) is { Length: > 0 } path ? [host.FullPath(path)]
            : Directory.Exists(Parent(host)) ? Directory.GetDirectories(Parent(host))
            : [];
        return [.. candidates.Order(StringComparer.Ordinal).Select(candidate => new ClusterDirectory(candidate)).Where(cluster => cluster.Exists)];
    }

    public void Create()
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Path);
        }
        else
        {
            Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Deletes what a cluster keeps here, and the directory unless something of the user's own lies in it.</summary>
    public void Delete()
    {
        foreach (var pattern in new[] { "cluster.yaml", "cluster-id", "token", "server.pid", "server.lock", "command.lock", "server.log*", "state.db*", "queues.db*", "jobs.db*", "cluster.yaml.*.tmp", "token.*.tmp", "server.pid.*.tmp" })
        {
            foreach (var file in Directory.GetFiles(Path, pattern))
            {
                File.Delete(file);
            }
        }

        foreach (var folder in new[] { BlobsPath, JobsPath })
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        if (!Directory.EnumerateFileSystemEntries(Path).Any())
        {
            Directory.Delete(Path);
        }
    }

    /// <exception cref="CortexException">The configuration is not valid; the message names the ways out.</exception>
    public ClusterSettings ReadSettings()
    {
        try
        {
            return ClusterSettings.Parse(File.ReadAllText(ConfigPath), ConfigPath);
        }
        catch (CortexException exception)
        {
            throw new CortexException(
                exception.Kind,
                $"{exception.Message}\n\nmend that file; or end the cluster with `cortex cluster down --name {System.IO.Path.GetFileName(Path)}` (--keep-data keeps its APIs), which does not need it, and start it again with `cortex cluster up FILE`",
                exception);
        }
    }

    /// <summary>The cluster's name, also when its configuration can't be read: then the directory's, which is made from it.</summary>
    public string Name
    {
        get
        {
            try
            {
                return ReadSettings().Name;
            }
            catch (CortexException)
            {
                return System.IO.Path.GetFileName(Path);
            }
        }
    }

    /// <summary>The operator's URL; null when the configuration can't be read.</summary>
    public string? OperatorEndpoint
    {
        get
        {
            try
            {
                return ReadSettings().OperatorEndpoint;
            }
            catch (CortexException)
            {
                return null;
            }
        }
    }

    /// <summary>The operator's token, made at the first call and kept from then on.</summary>
    public string ObtainToken()
    {
        if (!File.Exists(TokenPath))
        {
            PrivateFile.Write(TokenPath, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes)));
        }

        return File.ReadAllText(TokenPath).Trim();
    }

    /// <summary>The environment that reaches this cluster's operator.</summary>
    public CortexEnvironment Environment(ClusterSettings settings) => new()
    {
        Name = settings.Name,
        OperatorEndpoint = settings.OperatorEndpoint,
        Token = File.Exists(TokenPath) ? File.ReadAllText(TokenPath).Trim() : null,
    };

    private static string Parent(CliHost host) => System.IO.Path.Combine(ConfigDirectory.Locate(host.Surroundings), "clusters");
}
