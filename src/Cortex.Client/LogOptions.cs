using System.Globalization;

namespace Cortex.Client;

/// <summary>Which log lines are wanted.</summary>
public sealed record LogOptions
{
    /// <summary>A job of a Batch or Task API; null for what the replicas or workers of now write.</summary>
    public string? JobId { get; init; }

    /// <summary>Every replica, or only the first one found.</summary>
    public bool AllReplicas { get; init; } = true;

    /// <summary>How many of the newest lines of each container to start with, 0 or more; null means from the beginning.</summary>
    public int? Tail { get; init; }

    /// <summary>Whether to go on with what is written from now on; else it ends with what there is.</summary>
    public bool Follow { get; init; }

    /// <summary>Path and query, without a slash in front.</summary>
    internal string ToPath(string apiName)
    {
        var parameters = new List<string>();
        if (JobId is not null)
        {
            parameters.Add($"jobID={Uri.EscapeDataString(JobId)}");
        }

        if (AllReplicas)
        {
            parameters.Add("allPods=true");
        }

        if (Tail is { } lines)
        {
            parameters.Add($"tail={lines.ToString(CultureInfo.InvariantCulture)}");
        }

        if (!Follow)
        {
            parameters.Add("follow=false");
        }

        return $"streamlogs/{Uri.EscapeDataString(apiName)}{(parameters.Count > 0 ? "?" : "")}{string.Join('&', parameters)}";
    }
}
