using Cortex.Core.Errors;
using Cortex.Core.Shapes;

namespace Cortex.Core.Specs;

/// <summary>Refuses containers that Linux could not start: what their commands, arguments and variables become must fit.</summary>
internal static class LaunchRules
{
    // As long as the longest version that we give ourselves.
    private const string AnyVersion = "0.000.000-00000000000000000000";

    private static readonly string[] s_probes = ["readiness_probe", "liveness_probe", "pre_stop"];

    /// <summary>Looks at every container of a pod. Skips values that were refused for themselves.</summary>
    public static void Check(MapValue pod, Walk walk)
    {
        if (!pod.TryGet("containers", out ListValue containers))
        {
            return;
        }

        var own = LaunchText.OwnEnv(pod.TryGet("port", out long port) ? port : null, AnyVersion);
        foreach (var container in containers.Of<MapValue>())
        {
            CheckStart(container, own, walk);
            foreach (var probe in s_probes)
            {
                if (container.TryGet(probe, out MapValue handler) && handler.TryGet("exec", out MapValue exec) && Words(exec, "command") is { } command
                    && !LaunchText.Fits("command", command, out var fault))
                {
                    walk.Fail(SpotOf(exec, fault!.Path, walk), ErrorKinds.TooLong, fault.Detail);
                }
            }
        }
    }

    private static void CheckStart(MapValue container, IReadOnlyList<KeyValuePair<string, string>> own, Walk walk)
    {
        if (container.TryGet("env", out SortedDictionary<string, string> env)
            && LaunchText.Expand([.. own, .. env], Words(container, "command"), Words(container, "args"), out var fault) is null)
        {
            walk.Fail(SpotOf(container, fault!.Path, walk), ErrorKinds.TooLong, fault.Detail);
        }
    }

    // Where the fault is written; the whole field's place for what is not spelled out in the file.
    private static Spot SpotOf(MapValue map, string path, Walk walk)
    {
        var dot = path.IndexOf('.', StringComparison.Ordinal);
        var spot = dot < 0 ? map.Spot with { Path = $"{map.Spot.Path}.{path}" } : map.SpotOf(path[..dot]).Key(path[(dot + 1)..], default);
        return walk.Places.TryGetValue(spot.Path, out var place) ? spot with { Place = place } : map.Spot;
    }

    private static IReadOnlyList<string>? Words(MapValue map, string key) =>
        map.TryGet(key, out ListValue list) && list.Items.All(item => item is string) ? list.Of<string>() : null;
}
