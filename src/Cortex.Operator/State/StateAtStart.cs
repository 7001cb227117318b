using System.Globalization;
using Cortex.Core.Identifiers;
using Cortex.Operator.Access;

namespace Cortex.Operator.State;

/// <summary>What an operator reads of the desired state before it begins.</summary>
/// <param name="Store">The desired state, in an epoch of this operator's.</param>
/// <param name="Tokens">The tokens of containers.</param>
/// <param name="Uid">What tells this cluster's storage keys from others', in the form that Cortex 0.42 used.</param>
/// <param name="NewestId">The newest id in the history; null when there is none.</param>
internal sealed record StateAtStart(IApiStore Store, ApiTokens Tokens, string Uid, TimeId? NewestId)
{
    /// <summary>Begins an epoch and reads.</summary>
    public static async Task<StateAtStart> ReadAsync(IApiStore store, TimeProvider time, CancellationToken cancellationToken)
    {
        await store.AdvanceEpochAsync(cancellationToken);
        return new StateAtStart(
            store,
            await ApiTokens.OpenAsync(store, cancellationToken),
            await store.GetOrAddSettingAsync("cluster_uid", () => time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), cancellationToken),
            await store.GetNewestIdAsync(cancellationToken));
    }
}
