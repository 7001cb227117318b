using Cortex.Background;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cortex.Queues.Postgres;

/// <summary>A connection that hears of what other processes wrote, and looks for itself once in a while. When it breaks it is made again.</summary>
internal sealed class ChangeListener(Database database, string channel, Func<NpgsqlConnection, CancellationToken, Task> look, TimeProvider time, ILogger logger)
{
    /// <summary>How often to look for what no notice told of.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(2);

    private static readonly Backoff Reconnects = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2));

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        for (var pause = TimeSpan.Zero; ;)
        {
            try
            {
                await Task.Delay(pause, time, cancellationToken);
                await using var connection = await database.OpenRelaxedAsync(cancellationToken);
                try
                {
                    await ListenAsync(connection, () => pause = TimeSpan.Zero, cancellationToken);
                }
                finally
                {
                    // Not into the pool: it listens.
                    NpgsqlConnection.ClearPool(connection);
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                var isFirst = pause == TimeSpan.Zero;
                pause = Reconnects.Next(pause);
                if (isFirst)
                {
                    logger.FeedBroke(e, database.Name);
                }
            }
        }
    }

    private async Task ListenAsync(NpgsqlConnection connection, Action works, CancellationToken cancellationToken)
    {
#pragma warning disable CA2100 // A name can be no parameter.
        await using (var listen = new NpgsqlCommand($"listen \"{channel.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", connection))
#pragma warning restore CA2100
        {
            await listen.ExecuteNonQueryAsync(cancellationToken);
        }

        while (true)
        {
            await look(connection, cancellationToken);
            works();
            await connection.WaitAsync(Poll, cancellationToken);
        }
    }
}
