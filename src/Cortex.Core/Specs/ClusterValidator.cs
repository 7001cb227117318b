using System.Globalization;
using System.Text;
using Cortex.Core.Errors;
using Cortex.Core.Shapes;
using Cortex.Core.Units;
using Cortex.Core.Yaml;

namespace Cortex.Core.Specs;

/// <summary>Checks a file against the cluster that it is to be deployed to.</summary>
public static class ClusterValidator
{
    /// <summary>Every error of the file, its own included, in file order; empty when it can be deployed.</summary>
    /// <remarks>APIs that are not valid for themselves are not looked at further. Images are not looked for: a missing one shows in the replicas' state.</remarks>
    /// <param name="file">The file.</param>
    /// <param name="view">What is deployed, and what the nodes can give.</param>
    public static IReadOnlyList<SpecError> Validate(ApiFile file, ClusterView view)
    {
        if (file.Errors.Count > YamlLimits.Errors)
        {
            return file.Errors;
        }

        var errors = new List<SpecError>(file.Errors);
        if (file.Apis.Count > 0 && view.NodeGroups.Count == 0)
        {
            errors.Add(new SpecError { Kind = ErrorKinds.NoNodeGroups, FileName = file.Apis[0].FileName, Detail = "the cluster has no node groups; add one to its configuration" });
            return SpecErrors.InFileOrder(errors);
        }

        errors.AddRange(CheckNumber(file, view));
        var kinds = Kinds(file, view);
        foreach (var api in file.Apis)
        {
            errors.AddRange(api.Pod is null ? CheckTargets(file, api, kinds) : CheckRoom(file, api, api.Pod, view));
            errors.AddRange(CheckReplicas(file, api, view.MaxReplicas));
            errors.AddRange(CheckEndpoint(file, api, view));
        }

        return SpecErrors.InFileOrder(errors);
    }

    private static IEnumerable<SpecError> CheckNumber(ApiFile file, ClusterView view)
    {
        var deployed = view.Apis.Select(api => api.Name).ToHashSet(StringComparer.Ordinal);
        var first = file.Apis.Where(api => !deployed.Contains(api.Name)).Skip(Math.Max(0, view.MaxApis - deployed.Count)).FirstOrDefault();
        if (first is not null)
        {
            yield return Error(file, first, ErrorKinds.TooManyElements, "", $"the cluster has {deployed.Count} APIs and may have {view.MaxApis}; delete some, or raise limits.max_apis in its configuration");
        }
    }

    private static IEnumerable<SpecError> CheckReplicas(ApiFile file, ApiSpec api, int most)
    {
        if (api.Autoscaling is not { } scaling)
        {
            yield break;
        }

        foreach (var (key, count) in new[] { ("min_replicas", scaling.MinReplicas), ("max_replicas", scaling.MaxReplicas), ("init_replicas", scaling.InitReplicas) })
        {
            // The last one stands for the first when the file does not have it.
            if (count > most && (key != "init_replicas" || count != scaling.MinReplicas))
            {
                yield return Error(file, api, ErrorKinds.LessThanOrEqualTo, $"autoscaling.{key}", $"{count} must be less than or equal to {most}, or limits.max_replicas in the cluster's configuration must be raised");
            }
        }
    }

    private static IEnumerable<SpecError> CheckEndpoint(ApiFile file, ApiSpec api, ClusterView view)
    {
        var others = view.Apis.Where(deployed => deployed.Name != api.Name).ToList();
        var endpoint = api.Networking.Endpoint;
        if (others.FirstOrDefault(deployed => EndpointRule.Same(deployed.Endpoint, endpoint)) is { } owner)
        {
            yield return Error(file, api, ErrorKinds.DuplicateEndpoint, "networking.endpoint", $"{endpoint} is the endpoint of {owner.Name}, which is deployed; choose another");
        }
        else if (others.FirstOrDefault(deployed => EndpointRule.TakesFrom(endpoint, deployed.Endpoint, deployed.Kind)) is { } above)
        {
            yield return Error(file, api, ErrorKinds.DuplicateEndpoint, "networking.endpoint", $"{endpoint} is below {above.Endpoint}, the endpoint of {above.Name}, which gets every path below it; choose another");
        }
        else if (others.FirstOrDefault(deployed => EndpointRule.TakesFrom(deployed.Endpoint, endpoint, api.Kind)) is { } below)
        {
            yield return Error(file, api, ErrorKinds.DuplicateEndpoint, "networking.endpoint", $"{endpoint} is above {below.Endpoint}, the endpoint of {below.Name}, and would get every path below it; choose another");
        }
    }

    // What is deployed comes last: a deployed API's kind cannot change, whatever the file says.
    private static Dictionary<string, ApiKind> Kinds(ApiFile file, ClusterView view)
    {
        var kinds = new Dictionary<string, ApiKind>(StringComparer.Ordinal);
        foreach (var api in file.Declared)
        {
            kinds[api.Name] = api.Kind;
        }

        foreach (var api in view.Apis)
        {
            kinds[api.Name] = api.Kind;
        }

        return kinds;
    }

    private static IEnumerable<SpecError> CheckTargets(ApiFile file, ApiSpec splitter, Dictionary<string, ApiKind> kinds)
    {
        for (var index = 0; index < splitter.Apis!.Count; index++)
        {
            var name = splitter.Apis[index].Name;
            var found = kinds.TryGetValue(name, out var kind);
            if (found && kind is ApiKind.RealtimeAPI)
            {
                continue;
            }

            var path = string.Create(CultureInfo.InvariantCulture, $"apis[{index}].name");
            yield return Error(file, splitter, ErrorKinds.ApisNotDeployed, path, found
                ? $"\"{name}\" is a {kind}; a target must be a RealtimeAPI"
                : $"there is no RealtimeAPI \"{YamlScalar.Shorten(name)}\", neither deployed nor in this file");
        }
    }

    private static IEnumerable<SpecError> CheckRoom(ApiFile file, ApiSpec api, PodSpec pod, ClusterView view)
    {
        var known = view.NodeGroups.Select(group => group.Name).ToHashSet(StringComparer.Ordinal);
        var unknown = false;
        for (var index = 0; index < (api.NodeGroups?.Count ?? 0); index++)
        {
            var name = api.NodeGroups![index];
            if (!known.Contains(name))
            {
                unknown = true;
                var path = string.Create(CultureInfo.InvariantCulture, $"node_groups[{index}]");
                yield return Error(file, api, ErrorKinds.InvalidNodeGroupSelector, path, $"there is no node group \"{name}\"; the cluster has {Words.Join([.. known], "and")}");
            }
        }

        var eligible = view.NodeGroups.Where(group => api.NodeGroups?.Contains(group.Name) ?? true).ToList();
        var asked = PodRequest.Of(pod);
        if (!unknown && !eligible.Any(asked.Fits))
        {
            yield return Error(file, api, ErrorKinds.NoAvailableNodeComputeLimit, "pod", RoomMessage(asked, eligible, [.. view.NodeGroups.Except(eligible)]));
        }
    }

    private static string RoomMessage(PodRequest asked, IReadOnlyList<NodeGroupCapacity> eligible, IReadOnlyList<NodeGroupCapacity> skipped)
    {
        var devices = asked.Gpu > 0 || asked.Inf > 0 || eligible.Any(group => group.Gpu > 0 || group.Inf > 0);
        string[] Row(string cpu, string memory, string gpu, string inf) => devices ? [cpu, memory, gpu, inf] : [cpu, memory];
        var header = Row("CPU", "memory", "GPU", "Inf");
        var message = new StringBuilder("no node group has room for one replica; lower `compute`, or use a larger machine\n\nrequested by the pod (nothing is added for the system)\n");
        message.Append(TextTable.Format(
        [
            header,
            Row(Quantity.FormatMillis(asked.CpuMillis), Quantity.FormatBytes(asked.MemoryBytes), Text(asked.Gpu), Text(asked.Inf)),
        ]));
        message.Append("\navailable to one pod\n").Append(TextTable.Format(
        [
            ["node group", "instance type", .. header],
            .. eligible.Select(group => (string[])[group.Name, group.InstanceType, .. Row(Quantity.FormatMillis(group.CpuMillis), Quantity.FormatBytes(group.MemoryBytes), Text(group.Gpu), Text(group.Inf))]),
        ]));
        if (skipped.Count > 0)
        {
            message.Append("\nnot selected by `node_groups`: ").Append(Words.Join([.. skipped.Select(group => group.Name)], "and")).Append('\n');
        }

        return message.ToString().TrimEnd('\n');
    }

    private static string Text(long count) => count.ToString(CultureInfo.InvariantCulture);

    private static SpecError Error(ApiFile file, ApiSpec api, string kind, string path, string detail) =>
        FileRules.Error(api.FileName, file, api.Index, api.Name, kind, path, detail);
}
