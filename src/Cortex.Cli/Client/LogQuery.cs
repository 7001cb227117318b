using System.Globalization;

namespace Cortex.Cli.Client;

/// <summary>Which log lines are wanted.</summary>
internal sealed record LogQuery
{
    public required string ApiName { get; init; }

    public string? JobId { get; init; }

    /// <summary>Every replica, or only the first one found.</summary>
    public bool AllPods { get; init; }

    /// <summary>How many of the newest lines to start with; null means from the beginning.</summary>
    public int? Tail { get; init; }

    public bool Follow { get; init; } = true;

    /// <summary>Path and query, without a slash in front.</summary>
    public string ToPath()
    {
        var parameters = new List<string>();
        if (JobId is not null)
        {
            parameters.Add($"jobID={Uri.EscapeDataString(JobId)}");
        }

        if (AllPods)
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

        return $"streamlogs/{Uri.EscapeDataString(ApiName)}{(parameters.Count > 0 ? "?" : "")}{string.Join('&', parameters)}";
    }
}
