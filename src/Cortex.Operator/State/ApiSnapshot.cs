using System.Collections.Immutable;

namespace Cortex.Operator.State;

/// <summary>What is wanted at one moment.</summary>
/// <param name="Revision">That of the last change.</param>
/// <param name="Apis">Every deployed API by name, in ordinal order.</param>
internal sealed record ApiSnapshot(long Revision, ImmutableSortedDictionary<string, WantedApi> Apis)
{
    private const int EpochShift = 32;

    /// <summary>Before anything was read.</summary>
    public static ApiSnapshot Unknown { get; } = new(0, ImmutableSortedDictionary.Create<string, WantedApi>(StringComparer.Ordinal));

    /// <summary>Whether an API has the revision that this one has; 0 is that of none.</summary>
    public bool Has(WantedApi api) => (Apis.GetValueOrDefault(api.Name)?.Revision ?? 0) == api.Revision;

    /// <summary>What is wanted after some changes, which share a revision that is higher than any before.</summary>
    /// <param name="changes">The changes.</param>
    /// <param name="epoch">Theirs: what the last epoch wrote unsynced and a crash of the database took back must have had lower ones, too.</param>
    /// <param name="highest">The highest revision that was ever seen here.</param>
    public ApiSnapshot After(IReadOnlyCollection<ApiChange> changes, long epoch, long highest = 0)
    {
        var revision = Math.Max(Math.Max(Revision, highest), epoch << EpochShift) + 1;
        return new ApiSnapshot(
            revision,
            Apis.RemoveRange(changes.Where(change => change.Next is null).Select(change => change.Name))
                .SetItems(changes.Where(change => change.Next is not null).Select(change => KeyValuePair.Create(change.Name, change.Next! with { Revision = revision }))));
    }

    /// <summary>What is wanted according to rows that were read.</summary>
    /// <param name="revision">That of the last change.</param>
    /// <param name="rows">Every API by name; null for one that is as it is here.</param>
    public ApiSnapshot With(long revision, IEnumerable<ApiChange> rows) =>
        new(revision, Unknown.Apis.AddRange(rows.Select(row => KeyValuePair.Create(row.Name, row.Next ?? Apis[row.Name]))));
}
