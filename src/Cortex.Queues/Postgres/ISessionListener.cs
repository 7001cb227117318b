using Cortex.Queues.Postgres.Writing;
using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>What a <see cref="Session"/> tells.</summary>
internal interface ISessionListener
{
    /// <summary>Another process changed something.</summary>
    void OnNotice(Notice notice);

    /// <summary>So many other processes share the database.</summary>
    void OnOthers(int count);

    /// <summary>It is time to look what no notice told of.</summary>
    Task OnLookAsync(NpgsqlConnection connection, CancellationToken cancellationToken);

    /// <summary>These leases are nobody's.</summary>
    void Release(IReadOnlyList<ReleaseOperation> leases);
}
