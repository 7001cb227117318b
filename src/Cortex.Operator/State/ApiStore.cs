using System.Collections.Immutable;
using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Core.Identifiers;
using Cortex.Core.Wire;
using Cortex.Operator.Splitting;
using Cortex.Queues.Sqlite;

namespace Cortex.Operator.State;

/// <summary>
/// The desired state and the history of every API. A change is on disk before it is visible, synced but for the counts of
/// <see cref="Scale"/>, and whoever reads gets an immutable snapshot from memory.
/// </summary>
/// <remarks>
/// One connection, used under one lock, for changes: deployments are rare and small. Readers of the history have one of their own, so that they never
/// wait for a commit. Other processes must not write to the file.
/// Calls block for the length of one commit, synced but for those counts; callers on request threads go through <see cref="Task.Run(Action)"/>.
/// </remarks>
internal sealed class ApiStore : IDisposable
{
    // How the tables came to be.
    private static readonly string[] _migrations =
    [
        """
        CREATE TABLE apis(name TEXT PRIMARY KEY, spec TEXT NOT NULL, replicas INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE versions(api TEXT NOT NULL, api_id TEXT NOT NULL, spec TEXT NOT NULL, PRIMARY KEY(api, api_id)) WITHOUT ROWID;
        CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        """,
        "ALTER TABLE apis ADD COLUMN callback_key TEXT",
        "ALTER TABLE apis ADD COLUMN canary TEXT",
    ];

    private readonly SqliteFile _file;
    private readonly Lock _lock = new();      // guards its writer
    private readonly Lock _reading = new();   // and this its reader
    private readonly int _versionsKept;
    private volatile ImmutableSortedDictionary<string, WantedApi> _apis = ImmutableSortedDictionary.Create<string, WantedApi>(StringComparer.Ordinal);

    /// <summary>Opens the file, creating it when it is missing, and reads the desired state.</summary>
    /// <param name="path">The database file; its folder exists.</param>
    /// <param name="versionsKept">Versions kept in each API's history.</param>
    /// <exception cref="InvalidDataException">The file was written by a newer version, or is no readable database.</exception>
    public ApiStore(string path, int versionsKept)
    {
        _versionsKept = versionsKept;
        _file = new SqliteFile(path, "the state", "begin with no APIs", _migrations);
        _apis = _file.Load(Load);
    }

    /// <summary>Every deployed API by name, in ordinal order.</summary>
    public ImmutableSortedDictionary<string, WantedApi> Apis => _apis;

    /// <summary>A deployed API.</summary>
    /// <exception cref="CortexException"><c>resources.api_not_deployed</c>.</exception>
    public WantedApi Find(string name) => _apis.GetValueOrDefault(name)
        ?? throw new CortexException("resources.api_not_deployed", $"{name} is not deployed; `cortex get` lists what is");

    /// <summary>Makes these versions the wanted ones and adds them to the history: all of them or, on an error, none.</summary>
    public void Deploy(params IReadOnlyCollection<WantedApi> apis) => Deploy(() => apis);

    /// <summary>Does the same with versions that are made while nothing else changes: what they are made from is what they replace.</summary>
    /// <param name="change">Looks at <see cref="Apis"/> and answers quickly; called once.</param>
    public void Deploy(Func<IReadOnlyCollection<WantedApi>> change)
    {
        lock (_lock)
        {
            var apis = change();
            using var transaction = _file.Writer.BeginTransaction();
            foreach (var api in apis)
            {
                Deploy(api);
            }

            transaction.Commit();
            _apis = _apis.SetItems(apis.Select(api => KeyValuePair.Create(api.Name, api)));
        }
    }

    /// <summary>Changes how many replicas are wanted, unless what was seen is not what is wanted any more.</summary>
    /// <param name="changes">At most one for each API.</param>
    /// <returns>The changes that were made: all that still hold or, on an error, none.</returns>
    /// <remarks>
    /// Written but as a rule not synced, as requests wait for it and a sync may take a disk 100 ms: it outlives this process, and what a power
    /// failure takes back is decided anew. (The log is synced all the same when it begins anew, once in several hundred commits.)
    /// </remarks>
    public IReadOnlyCollection<ReplicaChange> Scale(IReadOnlyCollection<ReplicaChange> changes)
    {
        lock (_lock)
        {
            var made = changes.Where(change => ReferenceEquals(_apis.GetValueOrDefault(change.Seen.Name), change.Seen)).ToList();
            if (made.Count == 0)
            {
                return made;
            }

            _file.Execute("PRAGMA synchronous=NORMAL");
            try
            {
                using var transaction = _file.Writer.BeginTransaction();
                foreach (var change in made)
                {
                    _file.Execute("UPDATE apis SET replicas = $2 WHERE name = $1", change.Seen.Name, change.Replicas);
                }

                transaction.Commit();
                _apis = _apis.SetItems(made.Select(change => KeyValuePair.Create(change.Seen.Name, change.Seen with { Replicas = change.Replicas })));
            }
            finally
            {
                _file.Execute("PRAGMA synchronous=FULL");
            }

            return made;
        }
    }

    /// <summary>Moves the canary of a splitter. False, and nothing changes, when it was deployed anew, deleted or moved meanwhile.</summary>
    /// <param name="splitter">As it was read.</param>
    /// <param name="next">Where its canary is from now on.</param>
    public bool MoveCanary(WantedApi splitter, CanaryState next)
    {
        lock (_lock)
        {
            if (_apis.GetValueOrDefault(splitter.Name) is not { } current || current.Spec.Id != splitter.Spec.Id || current.Canary != splitter.Canary)
            {
                return false;
            }

            _file.Execute("UPDATE apis SET canary = $2 WHERE name = $1", splitter.Name, next.ToText());
            _apis = _apis.SetItem(splitter.Name, current with { Canary = next });
            return true;
        }
    }

    /// <summary>Makes an API unwanted. Returns false when there is none of that name.</summary>
    /// <param name="name">The API's name.</param>
    /// <param name="keepHistory">Keeps its versions, so that a later API of that name goes on with them.</param>
    public bool Delete(string name, bool keepHistory)
    {
        lock (_lock)
        {
            if (!_apis.ContainsKey(name))
            {
                return false;
            }

            using var transaction = _file.Writer.BeginTransaction();
            _file.Execute("DELETE FROM apis WHERE name = $1", name);
            if (!keepHistory)
            {
                _file.Execute("DELETE FROM versions WHERE api = $1", name);
            }

            transaction.Commit();
            _apis = _apis.Remove(name);
            return true;
        }
    }

    /// <summary>The newest versions of an API, newest first, also of a deleted one whose history was kept.</summary>
    public IReadOnlyList<DeployedSpec> GetVersions(string name)
    {
        lock (_reading)
        {
            using var command = SqliteFile.Command(_file.Reader, "SELECT spec FROM versions WHERE api = $1 ORDER BY api_id LIMIT $2", name, _versionsKept);
            using var reader = command.ExecuteReader();
            var versions = new List<DeployedSpec>();
            while (reader.Read())
            {
                versions.Add(Parse(reader.GetString(0)));
            }

            return versions;
        }
    }

    /// <summary>One version of an API, or null.</summary>
    public DeployedSpec? GetVersion(string name, string apiId)
    {
        lock (_reading)
        {
            using var command = SqliteFile.Command(_file.Reader, "SELECT spec FROM versions WHERE api = $1 AND api_id = $2", name, apiId);
            return command.ExecuteScalar() is string json ? Parse(json) : null;
        }
    }

    /// <summary>The newest id in the history; null when there is none.</summary>
    public TimeId? NewestId()
    {
        lock (_reading)
        {
            using var command = SqliteFile.Command(_file.Reader, "SELECT min(api_id) FROM versions");
            return command.ExecuteScalar() is string text && ApiId.TryParse(text, out var id) ? id.Time : null;
        }
    }

    /// <summary>A value that is made once and kept for the life of the cluster's data.</summary>
    public string GetOrAddSetting(string key, Func<string> create)
    {
        lock (_lock)
        {
            using (var command = SqliteFile.Command(_file.Writer, "SELECT value FROM settings WHERE key = $1", key))
            {
                if (command.ExecuteScalar() is string value)
                {
                    return value;
                }
            }

            var created = create();
            _file.Execute("INSERT INTO settings(key, value) VALUES($1, $2)", key, created);
            return created;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Somebody may be reading at this moment.
        lock (_lock)
        {
            lock (_reading)
            {
                _file.Dispose();
            }
        }
    }

    private ImmutableSortedDictionary<string, WantedApi> Load()
    {
        using var command = SqliteFile.Command(_file.Writer, "SELECT spec, replicas, callback_key, canary FROM apis");
        using var reader = command.ExecuteReader();
        var apis = ImmutableSortedDictionary.CreateBuilder<string, WantedApi>(StringComparer.Ordinal);
        while (reader.Read())
        {
            var api = new WantedApi(Parse(reader.GetString(0)), reader.GetInt32(1))
            {
                CallbackKey = reader.IsDBNull(2) ? null : CallbackKey.Parse(reader.GetString(2)),
                Canary = reader.IsDBNull(3) ? null : CanaryState.Parse(reader.GetString(3)),
            };
            apis.Add(api.Name, api);
        }

        return apis.ToImmutable();
    }

    private void Deploy(WantedApi api)
    {
        var json = JsonSerializer.Serialize(api.Spec, WireJson.Contract.DeployedSpec);
        _file.Execute(
            "INSERT INTO apis(name, spec, replicas, callback_key, canary) VALUES($1, $2, $3, $4, $5) ON CONFLICT(name) DO UPDATE SET spec = $2, replicas = $3, callback_key = $4, canary = $5",
            api.Name, json, api.Replicas, api.CallbackKey?.ToText() ?? (object)DBNull.Value, api.Canary?.ToText() ?? (object)DBNull.Value);
        _file.Execute("INSERT INTO versions(api, api_id, spec) VALUES($1, $2, $3)", api.Name, api.Spec.Id, json);

        // API ids sort newest first, so everything behind the last one kept is older.
        _file.Execute("DELETE FROM versions WHERE api = $1 AND api_id NOT IN (SELECT api_id FROM versions WHERE api = $1 ORDER BY api_id LIMIT $2)", api.Name, _versionsKept);
    }

    private static DeployedSpec Parse(string json) =>
        JsonSerializer.Deserialize(json, WireJson.Contract.DeployedSpec) ?? throw new InvalidDataException("a stored specification is empty");
}
