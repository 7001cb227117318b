using System.Globalization;
using System.Text.Json.Nodes;

namespace Cortex.Client;

/// <summary>What a batch job whose items are streamed says beside them.</summary>
public sealed record BatchOptions
{
    /// <summary>How many workers, 1 or more.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Items of one batch, 1 or more.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>What the workers are told: any JSON object.</summary>
    public JsonObject? Config { get; init; }

    /// <summary>The job is ended after this time, in whole seconds, 1 or more; null for never.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How often a failed batch is tried before it is kept as a dead letter, 1 or more; null for the API's own rule.</summary>
    public int? MaxReceiveCount { get; init; }

    internal IReadOnlyList<KeyValuePair<string, string>> ToQuery()
    {
        var query = new List<KeyValuePair<string, string>> { new("workers", Text(Workers)), new("batch_size", Text(BatchSize)) };
        if (Timeout is { } timeout)
        {
            query.Add(new("timeout", Text((long)Math.Ceiling(timeout.TotalSeconds))));
        }

        if (MaxReceiveCount is { } count)
        {
            query.Add(new("max_receive_count", Text(count)));
        }

        if (Config is not null)
        {
            query.Add(new("config", Config.ToJsonString()));
        }

        return query;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
