using Cortex.Core.Errors;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Tasks;
using Cortex.Operator.Reading;
using Cortex.Operator.Reconciling;
using Cortex.Operator.Splitting;
using Cortex.Operator.State;
using Cortex.Queues;
using Cortex.Runtimes;

namespace Cortex.Operator.Deploying;

/// <summary>Changes the desired state: deploy, roll back, refresh, delete.</summary>
internal sealed class Deployer(
    IApiStore store, IContainerRuntime runtime, Reconciler reconciler, ApiReader reader, TaskController tasks, BatchController batches, TimeIdGenerator timeIds, TimeProvider time)
    : IDisposable
{
    // Only a scaling or a canary can come in between, and what is in between is short.
    private const int MaxTries = 20;

    // Looking at what is deployed and changing it must not be split by another deployment.
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);

    /// <summary>Deploys every API of a file, or none when the file is not valid.</summary>
    /// <exception cref="InvalidConfigurationException">The file is not valid.</exception>
    public async Task<IReadOnlyList<DeployResult>> DeployAsync(string fileName, string yaml, bool force, CancellationToken cancellationToken)
    {
        var file = ApiFileParser.Parse(fileName, yaml);
        if (!file.IsValid)
        {
            throw new InvalidConfigurationException(file.Errors);
        }

        var view = ClusterViews.From(store, await runtime.GetCapacityAsync(cancellationToken), reader.NodeGroups, reader.Limits);
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            var errors = ClusterValidator.Validate(file, view with { Apis = ClusterViews.Deployed(store) });
            if (errors.Count > 0)
            {
                throw new InvalidConfigurationException(errors);
            }

            // Splitters last: their targets may be in the same file.
            var pods = reader.PodsByApi();
            List<(DeployResult Result, WantedApi? Change)> outcomes = [];

            // One commit for the file: on a full disk nothing of it is deployed.
            await ChangeAsync(
                () =>
                {
                    outcomes = [.. file.Apis.OrderBy(spec => spec.Kind == ApiKind.TrafficSplitter).Select(spec => Apply(spec, pods, force))];
                    return store.DeployAsync([.. outcomes.Select(outcome => outcome.Change).OfType<WantedApi>()], cancellationToken);
                });

            // Who was told that it is deployed may call it at once.
            reconciler.TryPublishRoutes();
            return [.. outcomes.Select(outcome => outcome.Result)];
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Deploys an earlier version of an API again, as if its file were deployed anew: every rule of a deployment holds.</summary>
    /// <param name="name">The API.</param>
    /// <param name="apiId">A version of its history; empty for the one before.</param>
    /// <param name="force">Goes on although an update is in progress.</param>
    /// <param name="cancellationToken">Stops waiting; what was written stays.</param>
    /// <exception cref="InvalidConfigurationException">The version can't be deployed any more: its endpoint, targets, node groups or room are gone.</exception>
    public async Task<DeployResult> RollbackAsync(string name, string apiId, bool force, CancellationToken cancellationToken)
    {
        var view = ClusterViews.From(store, await runtime.GetCapacityAsync(cancellationToken), reader.NodeGroups, reader.Limits);
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            var deployed = reader.Find(name);
            var version = RollbackRule.Choose(deployed.Spec, await store.GetVersionsAsync(name, cancellationToken), apiId);
            var spec = version.ToSpec();
            var errors = ClusterValidator.Validate(ApiFile.Of(spec), view with { Apis = ClusterViews.Deployed(store) });
            if (errors.Count > 0)
            {
                throw new InvalidConfigurationException(errors);
            }

            var pods = reader.PodsByApi();
            var wanted = deployed;
            await ChangeAsync(
                () =>
                {
                    var current = store.Find(name);
                    (wanted, _) = Apply(spec, current, pods, force);
                    return ReferenceEquals(wanted, current) ? throw RollbackRule.Same(version) : store.DeployAsync([wanted], cancellationToken);
                });
            reconciler.TryPublishRoutes();
            var answer = new ApiResponse { Spec = EnvMask.Hide(wanted.Spec), Endpoint = reader.EndpointUrl(wanted.Spec.Networking.Endpoint) };
            return new DeployResult(answer, $"rolling back {Title(spec.Name, spec.Kind)} to {version.Id}", "");
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _oneAtATime.Dispose();

    /// <summary>Replaces every replica without changing the configuration.</summary>
    public async Task<string> RefreshAsync(string name, bool force, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            var api = reader.Find(name);
            if (api.Spec.Kind is not (ApiKind.RealtimeAPI or ApiKind.AsyncAPI))
            {
                throw new CortexException("resources.operation_is_only_supported_for_kind", $"{name} is a {api.Spec.Kind}; only a RealtimeAPI or an AsyncAPI can be refreshed");
            }

            if (!force && reader.IsUpdating(api, reader.PodsByApi()))
            {
                throw StillUpdating(api.Spec);
            }

            var version = NewVersion(api.Spec, DeploymentId.New());
            await ChangeAsync(() => store.DeployAsync([store.Find(name) with { Spec = version }], cancellationToken));
            return $"updating {Title(api.Spec.Name, api.Spec.Kind)}";
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <summary>Makes an API unwanted; its replicas finish their requests and go.</summary>
    public async Task<string> DeleteAsync(string name, bool keepCache, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            var kind = reader.Find(name).Spec.Kind;
            var splitters = store.Apis.Values.Where(api => api.Spec.Apis?.Any(target => target.Name == name) == true).Select(api => api.Name).ToList();
            if (splitters.Count > 0)
            {
                throw new CortexException("resources.realtime_api_used_by_traffic_splitter", $"{name} is a target of {string.Join(", ", splitters)}; delete that traffic splitter first, or deploy it without {name}");
            }

            await ChangeAsync(() => store.DeleteAsync(store.Find(name), keepCache, cancellationToken));

            // Clients must not reach it once they were told that it goes.
            reconciler.PublishRoutes();
            if (kind == ApiKind.TaskAPI)
            {
                await tasks.DeleteApiAsync(name, keepCache, CancellationToken.None);
            }
            else if (kind == ApiKind.BatchAPI)
            {
                await batches.DeleteApiAsync(name, keepCache, CancellationToken.None);
            }

            return $"deleting {name}";
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    // Looks and changes again when something was changed between the look and the change.
    private static async Task ChangeAsync(Func<Task<bool>> change)
    {
        for (var tries = 1; !await change(); tries++)
        {
            if (tries == MaxTries)
            {
                throw new StoreUnavailableException($"what is deployed was changed by others {MaxTries} times in a row, just before it could be changed; nothing was changed, try again");
            }
        }
    }

    // What a deployment changes for one API, and what to answer; no change when it is refused or up to date.
    private (DeployResult Result, WantedApi? Change) Apply(ApiSpec spec, ILookup<string, PodStatus> pods, bool force)
    {
        try
        {
            var deployed = store.Apis.GetValueOrDefault(spec.Name);
            var (wanted, message) = Apply(spec, deployed, pods, force);
            var answer = new ApiResponse { Spec = EnvMask.Hide(wanted.Spec), Endpoint = reader.EndpointUrl(wanted.Spec.Networking.Endpoint) };
            return (new DeployResult(answer, message, ""), ReferenceEquals(wanted, deployed) ? null : wanted);
        }
        catch (CortexException exception)
        {
            return (new DeployResult(null, "", $"error: {exception.Message}"), null);
        }
    }

    private (WantedApi Wanted, string Message) Apply(ApiSpec spec, WantedApi? deployed, ILookup<string, PodStatus> pods, bool force)
    {
        if (deployed is not null && deployed.Spec.Kind != spec.Kind)
        {
            throw new CortexException("resources.cannot_change_kind_of_deployed_api", $"{spec.Name} is deployed as a {deployed.Spec.Kind}, and the kind of a deployed API can't change; run `cortex delete {spec.Name}` first, or use another name");
        }

        if (spec.Kind is not (ApiKind.RealtimeAPI or ApiKind.AsyncAPI))
        {
            return ApplyWithoutReplicas(spec, deployed, force);
        }

        var podId = SpecHash.PodId(spec);
        var specId = SpecHash.SpecId(spec);
        if (deployed is null)
        {
            var created = Version(spec, specId, podId, DeploymentId.New(), UnixNanoseconds());
            return (new WantedApi(created, spec.Autoscaling!.InitReplicas) { CallbackKey = spec.Kind == ApiKind.AsyncAPI ? CallbackKey.New() : null }, $"creating {Title(spec.Name, spec.Kind)}");
        }

        var updating = reader.IsUpdating(deployed, pods);
        if (deployed.Spec.SpecId == specId)
        {
            return (deployed, $"{Title(spec.Name, spec.Kind)} is {(updating ? "already updating" : "up to date")}");
        }

        if (updating && !force)
        {
            throw StillUpdating(deployed.Spec);
        }

        var scaling = spec.Autoscaling!;
        var current = deployed.Replicas > 0 || spec.Kind == ApiKind.AsyncAPI ? deployed.Replicas : scaling.InitReplicas;
        var replicas = Math.Clamp(current, scaling.MinReplicas, scaling.MaxReplicas);
        var updated = Version(spec, specId, podId, deployed.Spec.DeploymentId, deployed.Spec.InitialDeploymentTime);
        return (deployed with { Spec = updated, Replicas = replicas }, $"updating {Title(spec.Name, spec.Kind)}");
    }

    // Of jobs nothing runs before one is submitted, and what runs keeps the version that it was submitted to; splitters run nothing at all.
    private (WantedApi Wanted, string Message) ApplyWithoutReplicas(ApiSpec spec, WantedApi? deployed, bool force)
    {
        var specId = SpecHash.SpecId(spec);
        var startsCanaryAgain = force && deployed?.Canary is { HasEnded: true };
        if (deployed?.Spec.SpecId == specId && !startsCanaryAgain)
        {
            return (deployed, $"{Title(spec.Name, spec.Kind)} is up to date");
        }

        var version = Version(spec, specId, SpecHash.PodId(spec), "", deployed?.Spec.InitialDeploymentTime ?? UnixNanoseconds());
        var wanted = new WantedApi(version, 0) { Revision = deployed?.Revision ?? 0, Canary = spec.Canary is null ? null : CanaryState.New(time.GetUtcNow()) };
        return (wanted, $"{(deployed is null ? "created" : "updated")} {Title(spec.Name, spec.Kind)}");
    }

    private long UnixNanoseconds() => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;

    private DeployedSpec NewVersion(DeployedSpec spec, string deploymentId)
    {
        var id = new ApiId(timeIds.Next(), deploymentId, spec.SpecId).ToString();
        return spec with
        {
            Id = id,
            DeploymentId = deploymentId,
            Key = reader.StorageKey(spec.Name, id),
            LastUpdated = time.GetUtcNow().ToUnixTimeSeconds(),
        };
    }

    private DeployedSpec Version(ApiSpec spec, string specId, string podId, string deploymentId, long initialDeploymentTime)
    {
        var id = new ApiId(timeIds.Next(), deploymentId, specId).ToString();
        return DeployedSpec.From(
            spec, id, specId, podId, deploymentId, initialDeploymentTime, time.GetUtcNow().ToUnixTimeSeconds(),
            reader.StorageKey(spec.Name, id), reader.MetadataRoot(spec.Name));
    }

    private static CortexException StillUpdating(DeployedSpec spec) => new(
        spec.Kind == ApiKind.AsyncAPI ? "asyncapi.api_updating" : "realtimeapi.api_updating",
        $"{spec.Name} is still updating; wait until it is done (`cortex describe {spec.Name}` shows how far it is) or use --force");

    private static string Title(string name, ApiKind kind) => $"{name} ({kind})";
}
