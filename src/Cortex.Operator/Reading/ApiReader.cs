using Cortex.Routing;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Cortex.Core.Clusters;
using Cortex.Core.Errors;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Schedules;
using Cortex.Jobs.Storing;
using Cortex.Jobs.Tasks;
using Cortex.Operator.Access;
using Cortex.Operator.Reconciling;
using Cortex.Operator.Scaling;
using Cortex.Operator.State;
using Cortex.Runtimes;

namespace Cortex.Operator.Reading;

/// <summary>Answers questions about APIs from the desired state and what runs.</summary>
internal sealed class ApiReader(
    IApiStore store, IContainerRuntime runtime, IDataPlane dataPlane, IJobStore jobs, TaskController tasks, BatchController batches, Scheduler scheduler, Reconciler reconciler, Autoscaler autoscaler, SplitterReader splitters,
    OperatorOptions options, string clusterUid, TimeProvider time)
{
    /// <summary>Jobs that one API shows, unless more have not ended.</summary>
    private const int JobsShown = 10;

    /// <summary>Jobs of an API that a list shows, besides those that have not ended.</summary>
    private const int LatestOnly = 1;

    /// <summary>The node groups that the cluster's configuration names; empty for this machine alone.</summary>
    public IReadOnlyList<NodeGroup> NodeGroups => options.Cluster.NodeGroups;

    /// <summary>Bounds of what may be deployed.</summary>
    public LimitSettings Limits => options.Cluster.Limits;

    /// <summary>A deployed API.</summary>
    /// <exception cref="CortexException"><c>resources.api_not_deployed</c>.</exception>
    public WantedApi Find(string name) => store.Find(name);

    /// <summary>A deployed API, or false when there is none of that name any more.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out WantedApi? api) => store.Apis.TryGetValue(name, out api);

    /// <summary>Every API that there is for the caller, as a list shows them: Realtime APIs by name first, splitters last.</summary>
    public async Task<IReadOnlyList<ApiResponse>> ListAsync(Caller caller, CancellationToken cancellationToken)
    {
        var pods = PodsByApi();
        var apis = store.Apis.Values.Where(api => caller.FindsOthers || caller.Owns(api.Name)).OrderBy(api => ListOrder(api.Spec.Kind)).ToList();
        var theirs = await JobsAsync([.. apis.Where(api => caller.MayRead(api.Name))], LatestOnly, cancellationToken);
        return [.. apis.Select(api => caller.MayRead(api.Name) ? Listed(api, pods[api.Name], theirs) : Brief(api, caller))];
    }

    /// <summary>One API with its specification, status and history, as far as the caller may read them.</summary>
    /// <param name="name">The API.</param>
    /// <param name="showEnv">Whether the values of its variables are told.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<ApiResponse> GetAsync(string name, bool showEnv, Caller caller, CancellationToken cancellationToken)
    {
        var api = Find(name);
        return caller.MayRead(name) ? await GetAsync(api, showEnv, caller, cancellationToken) : Brief(api, caller);
    }

    /// <summary>One version of an API; the whole answer when it is the deployed one.</summary>
    /// <param name="name">The API.</param>
    /// <param name="apiId">The version.</param>
    /// <param name="showEnv">Whether the values of its variables are told.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<ApiResponse> GetAsync(string name, string apiId, bool showEnv, Caller caller, CancellationToken cancellationToken)
    {
        if (store.Apis.GetValueOrDefault(name) is { } deployed && deployed.Spec.Id == apiId)
        {
            return await GetAsync(deployed, showEnv, caller, cancellationToken);
        }

        return await store.GetVersionAsync(name, apiId, cancellationToken) is { } version
            ? new ApiResponse { Spec = showEnv ? version : EnvMask.Hide(version) }
            : throw new CortexException("resources.api_id_not_found", $"{name} has no version {apiId}; `cortex get {name}` lists its versions");
    }

    /// <exception cref="CortexException">There is no such API, or it is of another kind.</exception>
    public void CheckKind(string name, ApiKind kind)
    {
        if (Find(name).Spec.Kind is var found && found != kind)
        {
            throw new CortexException("resources.operation_is_only_supported_for_kind", $"{name} is a {found}; this operation is only for a {kind}");
        }
    }

    /// <summary>One API with its replicas by state, or with what its targets got.</summary>
    /// <param name="name">The API.</param>
    /// <param name="caller">Who asks.</param>
    public ApiResponse Describe(string name, Caller caller)
    {
        var api = Find(name);
        if (splitters.Status(api) is { } splitter)
        {
            return new ApiResponse { Metadata = Metadata(api), Splitter = splitter, Endpoint = EndpointUrl(api, caller) };
        }

        if (Status(api, PodsByApi()[name]) is not { } status)
        {
            throw new CortexException("resources.operation_is_only_supported_for_kind", $"{name} is a {api.Spec.Kind}; only a RealtimeAPI, an AsyncAPI or a TrafficSplitter can be described");
        }

        return new ApiResponse
        {
            Metadata = Metadata(api),
            Status = status,
            Queue = Queue(api),
            CallbackKey = caller.IsAdmin ? api.CallbackKey?.ToText() : null,
            Endpoint = EndpointUrl(api, caller),
            Scaling = Scaling(api),
        };
    }

    /// <summary>Whether the newest version is still on its way.</summary>
    /// <param name="api">The API.</param>
    /// <param name="pods">From <see cref="PodsByApi"/>; one look serves a whole file.</param>
    public bool IsUpdating(WantedApi api, ILookup<string, PodStatus> pods) => Status(api, pods[api.Name]) is { } status && ReplicaCounter.IsUpdating(api, status);

    /// <summary>The URL that clients call.</summary>
    public string EndpointUrl(string endpoint) => options.ApiBaseUrl + endpoint;

    /// <summary>The storage key of one version, in the form that Cortex 0.42 used.</summary>
    public string StorageKey(string name, string apiId) => $"{MetadataRoot(name)}/api/{apiId}/{options.Version}-spec.json";

    /// <summary>The storage prefix of an API, in the form that Cortex 0.42 used.</summary>
    public string MetadataRoot(string name) => $"{clusterUid}/apis/{name}";

    /// <summary>The pods of one API, newest version first.</summary>
    public IReadOnlyList<PodStatus> Pods(WantedApi api) =>
        [.. PodsByApi()[api.Name].OrderByDescending(pod => PodFactory.IsLatest(pod.Labels, api.Spec)).ThenBy(pod => pod.CreatedAt)];

    /// <summary>Every pod at this moment by the name of its API.</summary>
    public ILookup<string, PodStatus> PodsByApi() =>
        runtime.List().ToLookup(pod => pod.Labels.GetValueOrDefault(PodLabels.ApiName, ""), StringComparer.Ordinal);

    // Enough to find out how to call it, or to submit to it.
    private ApiResponse Brief(WantedApi api, Caller caller) => new() { Metadata = Metadata(api), Endpoint = EndpointUrl(api, caller) };

    // The address for clients outside leads nowhere in a container.
    private string EndpointUrl(WantedApi api, Caller caller) =>
        (caller.IsInside ? $"http://{InsideNames.Apis}" : options.ApiBaseUrl) + api.Spec.Networking.Endpoint;

    private ApiResponse Listed(WantedApi api, IEnumerable<PodStatus> pods, JobsOfApis theirs) => new()
    {
        Metadata = Metadata(api),
        Status = Status(api, pods) is { } status ? status with { ReplicaCounts = null, Reasons = null, Notes = null } : null,
        Queue = Queue(api),
        NumTrafficSplitterTargets = api.Spec.Apis?.Count,
        Splitter = splitters.Status(api),
        BatchJobStatuses = theirs.Batches(api.Name),
        TaskJobStatuses = theirs.Tasks(api.Name),
        Schedule = theirs.Schedule(api.Name),
    };

    private async Task<ApiResponse> GetAsync(WantedApi api, bool showEnv, Caller caller, CancellationToken cancellationToken)
    {
        var status = Status(api, PodsByApi()[api.Name]);
        var theirs = await JobsAsync([api], JobsShown, cancellationToken);
        return new ApiResponse
        {
            Spec = showEnv ? api.Spec : EnvMask.Hide(api.Spec),
            Metadata = Metadata(api),
            Status = status is null ? null : status with { ReplicaCounts = null, Notes = null },
            Queue = Queue(api),
            Splitter = splitters.Status(api),
            Endpoint = EndpointUrl(api, caller),
            BatchJobStatuses = theirs.Batches(api.Name),
            TaskJobStatuses = theirs.Tasks(api.Name),
            Schedule = theirs.Schedule(api.Name),
            ApiVersions = [.. (await store.GetVersionsAsync(api.Name, cancellationToken)).Select(version => new ApiVersion(version.Id, UnixSeconds(version.Id)))],
        };
    }

    private ApiStatus? Status(WantedApi api, IEnumerable<PodStatus> pods) => api.Spec.Kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI
        ? ReplicaCounter.Count(api, pods, reconciler.IsStopping, reconciler.CreateError(api.Name), runtime.Trouble?.Message)
        : null;

    private IReadOnlyList<ScalingStatus>? Scaling(WantedApi api) => autoscaler.Decisions(api.Name) is { Count: > 0 } decisions
        ? [.. decisions.Select(decision => new ScalingStatus
        {
            Since = JobJson.Time(decision.Since),
            Time = JobJson.Time(decision.At),
            Current = decision.Current,
            InFlight = Math.Round(decision.InFlight, 3),
            Raw = Math.Round(decision.Raw, 3),
            Recommended = decision.Recommended,
            Requested = decision.Requested,
            Reason = ScalingText.Why(decision),
        })]
        : null;

    // In as many reads for a thousand APIs as for one.
    private async Task<JobsOfApis> JobsAsync(IReadOnlyCollection<WantedApi> apis, int count, CancellationToken cancellationToken)
    {
        var taskJobs = await tasks.ListAsync(Names(apis, ApiKind.TaskAPI), count, cancellationToken);
        var batchJobs = await batches.ListAsync(Names(apis, ApiKind.BatchAPI), count, cancellationToken);
        List<string> ids = [.. taskJobs.Concat(batchJobs).SelectMany(each => each).Select(job => job.Record.Id)];
        var configs = ids.Count == 0 ? new Dictionary<string, byte[]>() : await jobs.GetConfigsAsync(ids, cancellationToken);
        var schedules = await scheduler.FindAsync(apis.Select(api => api.Spec), cancellationToken);
        return new JobsOfApis(
            taskJobs.SelectMany(each => each).ToLookup(job => job.Record.ApiName, job => JobJson.TaskStatus(job, Config(job))),
            batchJobs.SelectMany(each => each).ToLookup(job => job.Record.ApiName, job => BatchStatusJson.Status(job, Config(job))),
            apis.Where(api => schedules.ContainsKey(api.Name)).ToDictionary(api => api.Name, api => Schedule(api.Spec, schedules[api.Name]), StringComparer.Ordinal));

        byte[] Config(JobView job) => configs.GetValueOrDefault(job.Record.Id) ?? "null"u8.ToArray();
    }

    private static List<string> Names(IEnumerable<WantedApi> apis, ApiKind kind) => [.. apis.Where(api => api.Spec.Kind == kind).Select(api => api.Name)];

    private static ScheduleStatus Schedule(DeployedSpec api, ScheduleView view) => new()
    {
        Cron = api.Schedule!.Cron,
        TimeZone = api.Schedule.TimeZone,
        NextRunTime = view.Next is { } next ? JobJson.Time(next) : null,
        LastRun = view.Last is { } last
            ? new ScheduleRunStatus
            {
                ScheduledTime = JobJson.Time(last.ScheduledAt),
                JobId = last.JobId,
                Status = view.LastJob?.ToldStatus.Code(),
                Message = last.Message.Length > 0 ? last.Message : null,
            }
            : null,
        Message = view.Message.Length > 0 ? view.Message : null,
    };

    private QueueStatus? Queue(WantedApi api) => api.Spec.Kind == ApiKind.AsyncAPI && dataPlane.GetQueue(api.Name) is { } traffic
        ? new QueueStatus
        {
            Waiting = traffic.Waiting,
            Delayed = traffic.Delayed,
            InProgress = traffic.InProgress,
            OldestWaitingSeconds = traffic.OldestWaiting is { } oldest ? Math.Max(0, Math.Round((time.GetUtcNow() - oldest).TotalSeconds, 3)) : null,
        }
        : null;

    private static ApiMetadata Metadata(WantedApi api) => new()
    {
        Name = api.Name,
        Kind = api.Spec.Kind,
        Id = api.Spec.Id,
        DeploymentId = api.Spec.DeploymentId.Length > 0 ? api.Spec.DeploymentId : null,
        LastUpdated = UnixSeconds(api.Spec.Id),
    };

    private static long UnixSeconds(string apiId) =>
        ApiId.TryParse(apiId, out var id) ? id.Time.UnixSeconds : throw new InvalidDataException($"`{apiId}` is not an API id");

    private static int ListOrder(ApiKind kind) => kind switch
    {
        ApiKind.RealtimeAPI => 0,
        ApiKind.BatchAPI => 1,
        ApiKind.TaskAPI => 2,
        ApiKind.AsyncAPI => 3,
        _ => 4,
    };

    /// <summary>What is told of the jobs and schedules of some APIs.</summary>
    private sealed record JobsOfApis(ILookup<string, JsonElement> OfTasks, ILookup<string, JsonElement> OfBatches, IReadOnlyDictionary<string, ScheduleStatus> Schedules)
    {
        public IReadOnlyList<JsonElement>? Tasks(string apiName) => OfTasks.Contains(apiName) ? [.. OfTasks[apiName]] : null;

        public IReadOnlyList<JsonElement>? Batches(string apiName) => OfBatches.Contains(apiName) ? [.. OfBatches[apiName]] : null;

        public ScheduleStatus? Schedule(string apiName) => Schedules.GetValueOrDefault(apiName);
    }
}
