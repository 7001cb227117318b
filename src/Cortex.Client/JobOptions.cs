using System.Text.Json.Nodes;

namespace Cortex.Client;

/// <summary>What a submission of a job says; null for what it leaves out.</summary>
public sealed record JobOptions
{
    /// <summary>What the workers are told: any JSON object.</summary>
    public JsonObject? Config { get; init; }

    /// <summary>The job is ended after this time from its submission, in whole seconds, 1 or more.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Task jobs of a higher priority start first; 0 to 9. Null for the API's own.</summary>
    public int? Priority { get; init; }

    /// <summary>The submission as it is sent.</summary>
    internal JsonObject ToJson()
    {
        var json = new JsonObject();
        if (Config is not null)
        {
            json["config"] = Config.DeepClone();
        }

        if (Timeout is { } timeout)
        {
            json["timeout"] = JsonValue.Create((long)Math.Ceiling(timeout.TotalSeconds));
        }

        if (Priority is { } priority)
        {
            json["priority"] = JsonValue.Create(priority);
        }

        return json;
    }
}
