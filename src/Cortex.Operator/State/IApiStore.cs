using System.Collections.Immutable;
using Cortex.Core.Errors;
using Cortex.Core.Identifiers;
using Cortex.Core.Wire;
using Cortex.Operator.Splitting;
using Cortex.Queues;

namespace Cortex.Operator.State;

/// <summary>
/// The desired state and the history of every API. A change is stored, synced but for the counts of <see cref="ScaleAsync"/>, before it is visible,
/// and whoever reads what is wanted gets an immutable snapshot from memory.
/// </summary>
/// <remarks>
/// Every row bears a revision, which rises from change to change over all APIs. A change names the revisions that it was made from and is not made
/// when they are others by now; it names the epoch that this store began last and is refused when another process has begun a later one.
/// All members may be called at any time from any thread. Any may throw a <see cref="StoreUnavailableException"/> or a <see cref="StoreFullException"/>;
/// unless the message says that it is unknown, nothing was changed then. A cancelled call may have been carried out.
/// </remarks>
internal interface IApiStore : IAsyncDisposable
{
    /// <summary>Every deployed API by name, in ordinal order. It may be a few seconds behind what other processes write, never behind this one.</summary>
    ImmutableSortedDictionary<string, WantedApi> Apis { get; }

    /// <summary>Gives <see cref="Apis"/> at once and whenever it has changed, whoever changed it; of several changes in a row the last.</summary>
    IAsyncEnumerable<ImmutableSortedDictionary<string, WantedApi>> WatchAsync(CancellationToken cancellationToken);

    /// <summary>Begins a new epoch, which this store's changes name from now on. Before, all of them are refused.</summary>
    /// <returns>The epoch; 2 or more.</returns>
    Task<long> AdvanceEpochAsync(CancellationToken cancellationToken);

    /// <summary>Makes these versions the wanted ones and adds them to the history: all of them or none.</summary>
    /// <param name="apis">Each with the revision that it was made from: 0 for a new API, otherwise that of <see cref="Apis"/>.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>False, and nothing is changed, when one of them has another revision by now.</returns>
    /// <exception cref="StaleEpochException">Another process has begun a later epoch.</exception>
    Task<bool> DeployAsync(IReadOnlyCollection<WantedApi> apis, CancellationToken cancellationToken);

    /// <summary>Changes how many replicas are wanted of those APIs that have the revision that was seen.</summary>
    /// <param name="changes">At most one for each API.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The changes that were made.</returns>
    /// <remarks>
    /// Written but as a rule not synced, as requests wait for it and a sync may take a disk 100 ms: it outlives this process, and what a power
    /// failure takes back is decided anew.
    /// </remarks>
    /// <exception cref="StaleEpochException">Another process has begun a later epoch.</exception>
    Task<IReadOnlyCollection<ReplicaChange>> ScaleAsync(IReadOnlyCollection<ReplicaChange> changes, CancellationToken cancellationToken);

    /// <summary>Moves the canary of a splitter.</summary>
    /// <param name="splitter">As it was read.</param>
    /// <param name="next">Where its canary is from now on.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>False, and nothing is changed, when it has another revision by now.</returns>
    /// <exception cref="StaleEpochException">Another process has begun a later epoch.</exception>
    Task<bool> MoveCanaryAsync(WantedApi splitter, CanaryState next, CancellationToken cancellationToken);

    /// <summary>Makes an API unwanted.</summary>
    /// <param name="api">As it was read.</param>
    /// <param name="keepHistory">Keeps its versions, so that a later API of that name goes on with them.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>False, and nothing is changed, when it has another revision by now, or is gone.</returns>
    /// <exception cref="StaleEpochException">Another process has begun a later epoch.</exception>
    Task<bool> DeleteAsync(WantedApi api, bool keepHistory, CancellationToken cancellationToken);

    /// <summary>The newest versions of an API, newest first, also of a deleted one whose history was kept.</summary>
    Task<IReadOnlyList<DeployedSpec>> GetVersionsAsync(string name, CancellationToken cancellationToken);

    /// <summary>One version of an API, or null.</summary>
    Task<DeployedSpec?> GetVersionAsync(string name, string apiId, CancellationToken cancellationToken);

    /// <summary>The newest id in the history; null when there is none.</summary>
    Task<TimeId?> GetNewestIdAsync(CancellationToken cancellationToken);

    /// <summary>A value that is made once and kept for the life of the cluster's data, whichever process comes first. It belongs to no epoch.</summary>
    Task<string> GetOrAddSettingAsync(string key, Func<string> create, CancellationToken cancellationToken);

    /// <summary>A deployed API.</summary>
    /// <exception cref="CortexException"><c>resources.api_not_deployed</c>.</exception>
    sealed WantedApi Find(string name) => Apis.GetValueOrDefault(name)
        ?? throw new CortexException("resources.api_not_deployed", $"{name} is not deployed; `cortex get` lists what is");
}
