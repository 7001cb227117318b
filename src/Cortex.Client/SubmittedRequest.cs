using System.Text.Json;

namespace Cortex.Client;

/// <summary>A request that an Async API has accepted.</summary>
public sealed record SubmittedRequest
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Whether it was submitted before with the same idempotency key, so that nothing was added.</summary>
    public bool IsReplay { get; init; }

    /// <summary>The whole answer.</summary>
    public JsonElement Json { get; init; }
}
