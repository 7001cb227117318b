using System.Text.RegularExpressions;
using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Docker;

/// <summary>Settings of <see cref="DockerRuntime"/>. Checked together when the runtime is made.</summary>
public sealed partial class DockerRuntimeOptions
{
    /// <summary>Tells our containers from those of other clusters on the same engine; at most 54 characters of a-z, 0-9 and inner dashes.</summary>
    public string ClusterName { get; set; } = "cortex";

    /// <summary>
    /// Path of the engine's unix socket. Null takes <c>DOCKER_HOST</c> when it is a <c>unix://</c> address, else
    /// <c>/var/run/docker.sock</c>.
    /// </summary>
    public string? SocketPath { get; set; }

    /// <summary>How this process reaches pods. Default: <see cref="Docker.AddressMode.Auto"/>.</summary>
    public AddressMode AddressMode { get; set; }

    /// <summary>
    /// How many times over the machine's processors may be reserved, 1 to 1000. Default: 4, as a processor is shared by
    /// weight and few replicas need all of theirs at once.
    /// </summary>
    public double CpuOvercommit { get; set; } = 4;

    /// <summary>Bytes of memory kept from pods, for the system and this server. Default: 512 Mi.</summary>
    public long MemoryReserveBytes { get; set; } = 512L << 20;

    /// <summary>
    /// A container that asks for memory and names no limit may use so many times what it asks for, 1 to 1000; null: whatever the machine can spare.
    /// Default: null.
    /// </summary>
    public double? MemoryLimitFactor { get; set; }

    /// <summary>How many processes and threads a container may have, 0 for no limit. Default: 2048.</summary>
    public int PidsLimit { get; set; } = 2048;

    /// <summary>Capabilities that containers keep besides <see cref="ContainerRights.Capabilities"/>, as the kernel names them without <c>CAP_</c>. Default: none.</summary>
    public IReadOnlyList<string> AddedCapabilities { get; set; } = [];

    /// <summary>Whether a program in a container may gain rights by starting another one, such as <c>sudo</c>. Default: false.</summary>
    public bool NewPrivileges { get; set; }

    /// <summary>
    /// Whether the engine's own init is a container's first process, so that signals have their default effect on the program and its orphans are
    /// reaped. Images that bring an init are left alone. Default: true.
    /// </summary>
    public bool UseInit { get; set; } = true;

    /// <summary>Whether containers of different pods reach each other's addresses. Default: false.</summary>
    public bool ReachContainers { get; set; }

    /// <summary>Whether containers reach the addresses at which clouds give a machine its credentials, see <see cref="MetadataGuard"/>. Default: false.</summary>
    public bool ReachMetadata { get; set; }

    /// <summary>GPUs to give to pods; null counts them when the engine has the NVIDIA runtime. Default: null.</summary>
    public int? Gpus { get; set; }

    /// <summary>Named shares of the machine; empty for none. Default: none.</summary>
    public IReadOnlyList<NodeGroupShare> NodeGroups { get; set; } = [];

    /// <summary>How many containers the engine is asked to start, end or remove at the same time, at most; fewer while it is slow. 1 to 1000. Default: 8.</summary>
    public int ParallelStarts { get; set; } = 8;

    /// <summary>
    /// Network containers kept running for pods to come, 0 to 100; a pod that finds one starts in half the time. None are
    /// kept where pods are reached at published ports. Default: 2.
    /// </summary>
    public int SpareNetworks { get; set; } = 2;

    /// <summary>How long after the start, or after one was taken, spare network containers are made up again. Default: 1 s.</summary>
    public TimeSpan SpareDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest that one try to pull an image may take. Default: 30 minutes.</summary>
    public TimeSpan PullTimeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Delay before a failed pull is tried again; it doubles up to <see cref="PullRetryMax"/>. Default: 2 s.</summary>
    public TimeSpan PullRetryFirst { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest delay before a failed pull is tried again. Default: 5 minutes.</summary>
    public TimeSpan PullRetryMax { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>A pod that has waited for room this long shows as <see cref="PodState.Stalled"/>. Default: 15 minutes.</summary>
    public TimeSpan StalledAfter { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// For how long pods that fit may pass one that comes before them and does not; after that the free room is kept for it, if there will be
    /// enough when the jobs that run have ended. Default: 30 s.
    /// </summary>
    public TimeSpan RoomPatience { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Delay before a container's second restart; it doubles up to <see cref="RestartMax"/>. The first comes at once.
    /// Default: 1 s.
    /// </summary>
    public TimeSpan RestartFirst { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest delay before a restart. Default: 5 minutes.</summary>
    public TimeSpan RestartMax { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>A container that has run this long starts over with restarts at once. Default: 10 minutes.</summary>
    public TimeSpan RestartResetAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// From SIGTERM to SIGKILL where the runtime itself ends a container: after a failed liveness probe, or when another
    /// container of a job has failed. Default: 30 s.
    /// </summary>
    public TimeSpan StopGrace { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest that one call of the engine may take, pulls and streams apart. Default: 2 minutes.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Names that every container resolves to the bridge's gateway, which is this machine. Default: none.</summary>
    public IReadOnlyList<string> HostAliases { get; set; } = [];

    /// <summary>Where registry credentials are. Null takes <c>$DOCKER_CONFIG/config.json</c>, else <c>~/.docker/config.json</c>.</summary>
    public string? DockerConfigPath { get; set; }

    /// <summary>The longest that a credential helper may take. Default: 10 s.</summary>
    public TimeSpan CredentialHelperTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Size in bytes at which a container's log file is rotated. Default: 10 Mi.</summary>
    public long LogFileBytes { get; set; } = 10 << 20;

    /// <summary>Log files kept per container, the current one included, 1 to 100. Default: 3.</summary>
    public int LogFiles { get; set; } = 3;

    internal string EffectiveSocketPath
    {
        get
        {
            const string Scheme = "unix://";
            var host = Environment.GetEnvironmentVariable("DOCKER_HOST");
            return SocketPath ?? (host?.StartsWith(Scheme, StringComparison.Ordinal) == true ? host[Scheme.Length..] : "/var/run/docker.sock");
        }
    }

    internal string EffectiveDockerConfigPath => DockerConfigPath ?? Path.Combine(
        Environment.GetEnvironmentVariable("DOCKER_CONFIG")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker"), "config.json");

    internal RestartBackoff RestartBackoff => new(RestartFirst, RestartMax, RestartResetAfter);

    /// <summary>Everything that is wrong, each with the setting's name, its bound and the value given; empty when all is well.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        Check(ClusterNames().IsMatch(ClusterName), $"{nameof(ClusterName)} must have at most 54 characters of a-z, 0-9 and inner dashes, but is \"{ClusterName}\"");
        Check(CpuOvercommit is >= 1 and <= 1000, $"{nameof(CpuOvercommit)} must be from 1 to 1000, but is {CpuOvercommit}");
        Check(MemoryReserveBytes >= 0, $"{nameof(MemoryReserveBytes)} must not be negative, but is {MemoryReserveBytes}");
        Check(MemoryLimitFactor is null or (>= 1 and <= 1000), $"{nameof(MemoryLimitFactor)} must be from 1 to 1000, but is {MemoryLimitFactor}");
        Check(PidsLimit >= 0, $"{nameof(PidsLimit)} must not be negative, but is {PidsLimit}");
        Check(Gpus is null or >= 0, $"{nameof(Gpus)} must not be negative, but is {Gpus}");
        Check(ParallelStarts is >= 1 and <= 1000, $"{nameof(ParallelStarts)} must be from 1 to 1000, but is {ParallelStarts}");
        Check(SpareNetworks is >= 0 and <= 100, $"{nameof(SpareNetworks)} must be from 0 to 100, but is {SpareNetworks}");
        Check(LogFileBytes >= 1024, $"{nameof(LogFileBytes)} must be at least 1024, but is {LogFileBytes}");
        Check(LogFiles is >= 1 and <= 100, $"{nameof(LogFiles)} must be from 1 to 100, but is {LogFiles}");
        Check(NodeGroups.DistinctBy(g => g.Name).Count() == NodeGroups.Count, $"{nameof(NodeGroups)} must have different names");
        Check(NodeGroups.All(g => g is { CpuMillis: null or >= 0, MemoryBytes: null or >= 0, Gpus: null or >= 0 }), $"{nameof(NodeGroups)} must not have negative shares");
        foreach (var (name, value) in new[]
        {
            (nameof(PullTimeout), PullTimeout), (nameof(PullRetryFirst), PullRetryFirst), (nameof(PullRetryMax), PullRetryMax),
            (nameof(StalledAfter), StalledAfter), (nameof(RestartFirst), RestartFirst), (nameof(RestartMax), RestartMax),
            (nameof(RestartResetAfter), RestartResetAfter), (nameof(CallTimeout), CallTimeout),
            (nameof(CredentialHelperTimeout), CredentialHelperTimeout),
        })
        {
            Check(value > TimeSpan.Zero && value <= TimeSpan.FromDays(1), $"{name} must be more than zero and at most a day, but is {value}");
        }

        foreach (var (name, value) in new[] { (nameof(RoomPatience), RoomPatience), (nameof(StopGrace), StopGrace), (nameof(SpareDelay), SpareDelay) })
        {
            Check(value >= TimeSpan.Zero && value <= TimeSpan.FromDays(1), $"{name} must be from zero to a day, but is {value}");
        }

        return errors;

        void Check(bool right, string error)
        {
            if (!right)
            {
                errors.Add(error);
            }
        }
    }

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]{0,52}[a-z0-9])?$")]
    private static partial Regex ClusterNames();
}
