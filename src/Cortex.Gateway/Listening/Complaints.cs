using System.Net;
using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Listening;

/// <summary>Tells the log of clients that were turned away: once a minute, however many there are.</summary>
internal sealed class Complaints(TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long? _told;
    private int _untold;

    /// <summary>One more.</summary>
    /// <param name="client">Who.</param>
    /// <param name="reason">Why.</param>
    public void Add(EndPoint? client, string reason)
    {
        int untold;
        lock (_lock)
        {
            if (_told is { } told && time.GetElapsedTime(told) < Interval)
            {
                _untold++;
                return;
            }

            _told = time.GetTimestamp();
            (untold, _untold) = (_untold, 0);
        }

        logger.ConnectionRefused(client?.ToString() ?? "unknown", reason, untold);
    }
}
