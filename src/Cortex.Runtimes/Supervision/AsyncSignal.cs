using System.Threading.Channels;

namespace Cortex.Runtimes.Supervision;

/// <summary>A bell that stays rung until somebody hears it.</summary>
internal sealed class AsyncSignal
{
    private readonly Channel<bool> _bell =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Ring() => _bell.Writer.TryWrite(true);

    /// <summary>Ends when the bell is or has been rung since the last wait.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken) => await _bell.Reader.ReadAsync(cancellationToken);

    /// <summary>Forgets a ring that nobody has heard.</summary>
    public void Reset() => _bell.Reader.TryRead(out _);
}
