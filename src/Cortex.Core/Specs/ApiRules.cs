using System.Globalization;
using Cortex.Core.Errors;
using Cortex.Core.Shapes;
using Cortex.Core.Units;
using Cortex.Core.Yaml;

namespace Cortex.Core.Specs;

/// <summary>Rules over several values of one API. Each skips values that were refused for themselves.</summary>
internal static class ApiRules
{
    /// <summary>Shared memory counts as memory.</summary>
    public static void ShmWithinMem(MapValue compute, Walk walk)
    {
        if (compute.TryGet("shm", out string shm) && compute.TryGet("mem", out string mem) && Quantity.Parse(shm) > Quantity.Parse(mem))
        {
            walk.Fail(compute.SpotOf("shm"), ErrorKinds.ShmCannotExceedMem, $"{shm} must not exceed mem, which is {mem}");
        }
    }

    /// <summary>What a container may use is no less than what it asks for, and shared memory counts as used.</summary>
    public static void MemLimitAboveMem(MapValue compute, Walk walk)
    {
        if (!compute.TryGet("mem_limit", out string limit))
        {
            return;
        }

        foreach (var key in new[] { "mem", "shm" })
        {
            if (compute.TryGet(key, out string asked) && Quantity.Parse(asked) > Quantity.Parse(limit))
            {
                walk.Fail(compute.SpotOf("mem_limit"), ErrorKinds.MemLimitTooLow, $"{limit} must not be less than {key}, which is {asked}");
                return;
            }
        }
    }

    /// <summary>Container names are unique in their pod.</summary>
    public static void UniqueContainerNames(MapValue pod, Walk walk)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var container in Containers(pod))
        {
            if (container.TryGet("name", out string name) && !seen.Add(name))
            {
                walk.Fail(container.SpotOf("name"), ErrorKinds.DuplicateContainerName, $"\"{name}\" is the name of another container of this pod");
            }
        }
    }

    /// <summary>A pod asks for GPUs or for Inferentia chips, not both.</summary>
    public static void GpuOrInf(MapValue pod, Walk walk)
    {
        bool Asks(string device) => Containers(pod).Any(container =>
            container.TryGet("compute", out MapValue compute) && compute.TryGet(device, out long count) && count > 0);
        if (Asks("gpu") && Asks("inf"))
        {
            walk.Fail(pod.Spot, ErrorKinds.ComputeResourceConflict, "asks for GPUs and for Inferentia chips; one pod can have only one of the two");
        }
    }

    /// <summary>The replica bounds agree.</summary>
    public static void ReplicaBounds(MapValue autoscaling, Walk walk)
    {
        var hasMin = autoscaling.TryGet("min_replicas", out long min);
        var hasMax = autoscaling.TryGet("max_replicas", out long max);
        if (hasMin && hasMax && min > max)
        {
            var blamed = autoscaling.IsWritten("min_replicas") ? "min_replicas" : "max_replicas";
            walk.Fail(autoscaling.SpotOf(blamed), ErrorKinds.MinReplicasGreaterThanMax, $"min_replicas ({min}) must not exceed max_replicas ({max})");
            return;
        }

        if (!autoscaling.TryGet("init_replicas", out long init))
        {
            return;
        }

        if (hasMax && init > max)
        {
            walk.Fail(autoscaling.SpotOf("init_replicas"), ErrorKinds.InitReplicasGreaterThanMax, $"init_replicas ({init}) must not exceed max_replicas ({max})");
        }

        if (hasMin && init < min)
        {
            walk.Fail(autoscaling.SpotOf("init_replicas"), ErrorKinds.InitReplicasLessThanMin, $"init_replicas ({init}) must not be below min_replicas ({min})");
        }
    }

    /// <summary>A Realtime replica can hold the requests in flight that scaling aims at.</summary>
    public static void TargetInFlight(MapValue api, Walk walk)
    {
        if (walk.Variant != nameof(ApiKind.RealtimeAPI)
            || !api.TryGet("autoscaling", out MapValue autoscaling) || !autoscaling.TryGet("target_in_flight", out double target)
            || !api.TryGet("pod", out MapValue pod) || !pod.TryGet("max_concurrency", out long concurrency) || !pod.TryGet("max_queue_length", out long queue))
        {
            return;
        }

        if (target > concurrency + queue)
        {
            walk.Fail(autoscaling.SpotOf("target_in_flight"), ErrorKinds.TargetInFlightLimitReached,
                string.Create(CultureInfo.InvariantCulture, $"{target} must not exceed max_concurrency + max_queue_length, which is {concurrency} + {queue} = {concurrency + queue}"));
        }
    }

    /// <summary>An update can move. As in Cortex, the texts decide: <c>00</c> beside <c>0</c> passes, and then one replica may be unavailable.</summary>
    public static void SurgeOrUnavailable(MapValue strategy, Walk walk)
    {
        if (strategy.TryGet("max_surge", out string surge) && strategy.TryGet("max_unavailable", out string unavailable)
            && surge is "0" or "0%" && unavailable is "0" or "0%")
        {
            walk.Fail(strategy.Spot, ErrorKinds.SurgeAndUnavailableBothZero, "max_surge and max_unavailable are both 0, so that no update could start; raise one of them");
        }
    }

    /// <summary>The first pause between attempts is not longer than the longest.</summary>
    public static void RetryBackoff(MapValue queue, Walk walk)
    {
        if (queue.TryGet("retry_backoff", out TimeSpan first) && queue.TryGet("retry_backoff_max", out TimeSpan longest) && first > longest)
        {
            var blamed = queue.IsWritten("retry_backoff") ? "retry_backoff" : "retry_backoff_max";
            walk.Fail(queue.SpotOf(blamed), ErrorKinds.RetryBackoffGreaterThanMax, $"retry_backoff ({GoDuration.Format(first)}) must not exceed retry_backoff_max ({GoDuration.Format(longest)})");
        }
    }

    /// <summary>Files are named once.</summary>
    public static void Paths(MapValue source, Walk walk)
    {
        if (source.HasValue("s3_paths") == source.HasValue("paths"))
        {
            walk.Fail(source.Spot, ErrorKinds.SpecifyExactlyOneField, source.HasValue("paths") ? "s3_paths and paths mean the same; use one of them" : "must have `s3_paths` or `paths`");
        }
    }

    /// <summary>How often a batch is tried is said once.</summary>
    public static void DeadLetterQueues(MapValue job, Walk walk)
    {
        if (job.HasValue("sqs_dead_letter_queue") && job.HasValue("dead_letter_queue"))
        {
            walk.Fail(job.SpotOf("dead_letter_queue"), ErrorKinds.SpecifyExactlyOneField, "sqs_dead_letter_queue and dead_letter_queue mean the same; use one of them");
        }
    }

    /// <summary>The targets of a TrafficSplitter share all requests, once each, with at most one shadow.</summary>
    public static void Targets(MapValue api, Walk walk)
    {
        if (!api.TryGet("apis", out ListValue list))
        {
            return;
        }

        var targets = list.Of<MapValue>();
        var readable = targets.Count == list.Items.Count && targets.All(target => target.TryGet("weight", out long _) && target.TryGet("shadow", out bool _));
        var total = readable ? targets.Where(target => !target.Get<bool>("shadow")).Sum(target => target.Get<long>("weight")) : 100;
        if (total != 100)
        {
            walk.Fail(list.Spot, ErrorKinds.IncorrectTrafficSplitterWeight, $"the weights of the targets that are no shadows must sum to 100, but sum to {total}");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var target in targets)
        {
            if (target.TryGet("name", out string name) && !seen.Add(name))
            {
                walk.Fail(target.SpotOf("name"), ErrorKinds.TrafficSplitterApisNotUnique, $"\"{YamlScalar.Shorten(name)}\" is a target already; every target may be named once");
            }
        }

        foreach (var shadow in targets.Where(target => target.TryGet("shadow", out bool isShadow) && isShadow).Skip(1))
        {
            walk.Fail(shadow.SpotOf("shadow"), ErrorKinds.OneShadowPerTrafficSplitter, "only one target may be a shadow");
        }
    }

    /// <summary>Each step of a canary sends more requests to its target than the one before.</summary>
    public static void CanarySteps(MapValue canary, Walk walk)
    {
        if (!canary.TryGet("steps", out ListValue list))
        {
            return;
        }

        var steps = list.Of<long>();
        if (steps.Count == list.Items.Count && steps.Zip(steps.Skip(1)).Any(pair => pair.Second <= pair.First))
        {
            walk.Fail(canary.SpotOf("steps"), ErrorKinds.CanaryStepsNotGrowing, $"each step must be more than the one before; these are {string.Join(", ", steps)}");
        }
    }

    /// <summary>A canary moves requests to a target that can get more of them than it has.</summary>
    public static void CanaryTarget(MapValue api, Walk walk)
    {
        if (!api.TryGet("canary", out MapValue canary) || !canary.TryGet("to", out string to) || !api.TryGet("apis", out ListValue list))
        {
            return;
        }

        var targets = list.Of<MapValue>();
        var target = targets.FirstOrDefault(target => target.TryGet("name", out string name) && name == to);
        if (target is null)
        {
            if (targets.Count == list.Items.Count && targets.All(each => each.TryGet("name", out string _)))
            {
                walk.Fail(canary.SpotOf("to"), ErrorKinds.CanaryTargetUnknown, $"\"{YamlScalar.Shorten(to)}\" is none of the targets in `apis`; add it there, with the weight that it begins with");
            }
        }
        else if (target.TryGet("shadow", out bool shadow) && shadow)
        {
            walk.Fail(canary.SpotOf("to"), ErrorKinds.CanaryTargetUnknown, $"\"{YamlScalar.Shorten(to)}\" is a shadow, whose answers no client gets; name another target");
        }
        else if (target.TryGet("weight", out long weight) && canary.TryGet("steps", out ListValue steps) && steps.Of<long>() is [var first, ..] && first <= weight)
        {
            walk.Fail(canary.SpotOf("steps"), ErrorKinds.CanaryStepsNotGrowing, $"the first step ({first}) must be more than the weight that \"{YamlScalar.Shorten(to)}\" has in `apis` ({weight})");
        }
    }

    private static IReadOnlyList<MapValue> Containers(MapValue pod) =>
        pod.TryGet("containers", out ListValue containers) ? containers.Of<MapValue>() : [];
}
