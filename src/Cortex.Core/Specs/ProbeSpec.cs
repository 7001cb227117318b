namespace Cortex.Core.Specs;

/// <summary>A health check. Exactly one of the three handlers is set.</summary>
public sealed record ProbeSpec
{
    /// <summary>Healthy on a status from 200 to 399.</summary>
    public HttpGetSpec? HttpGet { get; init; }

    /// <summary>Healthy when the port accepts a connection.</summary>
    public TcpSocketSpec? TcpSocket { get; init; }

    /// <summary>Healthy when the command exits with 0.</summary>
    public ExecSpec? Exec { get; init; }

    /// <summary>Seconds after the container's start before the first check; 0 or more.</summary>
    public int InitialDelaySeconds { get; init; }

    /// <summary>Seconds one check may take; 0 means 1.</summary>
    public int TimeoutSeconds { get; init; } = 1;

    /// <summary>Seconds between checks; 0 means 10.</summary>
    public int PeriodSeconds { get; init; } = 10;

    /// <summary>Successes in a row that make it healthy; 0 means 1.</summary>
    public int SuccessThreshold { get; init; } = 1;

    /// <summary>Failures in a row that make it unhealthy; 0 means 3.</summary>
    public int FailureThreshold { get; init; } = 3;
}
