using Cortex.Operator.Splitting;

namespace Cortex.Operator.State;

/// <summary>What becomes of one API.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Next">What is wanted from now on; null when it is unwanted.</param>
internal readonly record struct ApiChange(string Name, WantedApi? Next)
{
    /// <summary>The changes of a deployment: none when one of the APIs is not at the revision that it was made from.</summary>
    public static IReadOnlyList<ApiChange> Deploy(ApiSnapshot now, IReadOnlyCollection<WantedApi> apis) =>
        apis.All(now.Has) ? [.. apis.Select(api => new ApiChange(api.Name, api))] : [];

    /// <summary>The changes of a scaling: of those APIs that are as they were seen.</summary>
    public static IReadOnlyList<ApiChange> Scale(ApiSnapshot now, IReadOnlyCollection<ReplicaChange> changes) =>
        [.. changes.Where(change => now.Has(change.Seen)).Select(change => new ApiChange(change.Seen.Name, change.Seen with { Replicas = change.Replicas }))];

    /// <summary>The change of a splitter whose canary moves: none when it is not as it was read.</summary>
    public static IReadOnlyList<ApiChange> MoveCanary(ApiSnapshot now, WantedApi splitter, CanaryState next) =>
        now.Has(splitter) ? [new ApiChange(splitter.Name, splitter with { Canary = next })] : [];

    /// <summary>The change of an API that is deleted: none when it is not as it was read.</summary>
    public static IReadOnlyList<ApiChange> Delete(ApiSnapshot now, WantedApi api) =>
        api.Revision > 0 && now.Has(api) ? [new ApiChange(api.Name, null)] : [];
}
