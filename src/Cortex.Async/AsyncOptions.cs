using Cortex.Dispatch;

namespace Cortex.Async;

/// <summary>The limits of Async APIs' HTTP side. Sizes are bytes. Read once, when the service is made.</summary>
public sealed record AsyncOptions
{
    /// <summary>
    /// Payloads up to this many bytes are kept with their message, larger ones in the blob store; the store's own
    /// limit of this name. 1 KiB to 1 MiB, default 64 KiB.
    /// </summary>
    public int InlineLimit { get; init; } = 64 * 1024;

    /// <summary>Longest wait of <c>GET ...?wait=</c>; a longer wish is cut to it. 1 s to 1 day, default 5 min.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest time in which no byte of a payload arrives (408 beyond). 1 s to 1 day, default 1 min.</summary>
    public TimeSpan UploadIdleTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>What is wrong with the values, all of it; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        var day = TimeSpan.FromDays(1);
        var second = TimeSpan.FromSeconds(1);
        OptionErrors errors = new();
        errors.Check(InlineLimit is >= 1024 and <= 1 << 20, nameof(InlineLimit), "1024 to 1048576 bytes", InlineLimit);
        errors.Check(MaxWait >= second && MaxWait <= day, nameof(MaxWait), "1 s to 1 day", MaxWait);
        errors.Check(UploadIdleTimeout >= second && UploadIdleTimeout <= day, nameof(UploadIdleTimeout), "1 s to 1 day", UploadIdleTimeout);
        return errors.All;
    }
}
