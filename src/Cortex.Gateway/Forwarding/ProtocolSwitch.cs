using System.Buffers;
using Cortex.Gateway.Replicas;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Cortex.Gateway.Forwarding;

/// <summary>Upgrade: WebSockets and whatever else a replica agrees to speak.</summary>
internal static class ProtocolSwitch
{
    private const int BufferSize = 16 * 1024;

    /// <summary>
    /// Whether a request asks for another protocol that is passed on. HTTP/2 is not: requests within it would pass
    /// the gateway unseen.
    /// </summary>
    public static bool IsWanted(HttpContext http)
    {
        var headers = http.Request.Headers;
        return headers.Upgrade.Count > 0
            && HttpProtocol.IsHttp11(http.Request.Protocol)
            && HopHeaders.HasOption(headers.Connection, "Upgrade")
            && !HopHeaders.HasOption(headers.Upgrade, "h2c")
            && http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true };
    }

    /// <summary>Lets bytes flow both ways until one side ends.</summary>
    public static async Task TunnelAsync(HttpContext http, UpstreamConnection connection, IdleWatch? idle)
    {
        await using var client = await http.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        var toReplica = ToReplicaAsync(client, connection, idle, ended.Token);
        try
        {
            await ToClientAsync(client, connection, idle, ended.Token);
        }
        finally
        {
            await ended.CancelAsync();
            await toReplica;
        }
    }

    private static async Task ToClientAsync(Stream client, UpstreamConnection connection, IdleWatch? idle, CancellationToken ended)
    {
        do
        {
            idle?.Touch();
            if (connection.UnreadMemory is { IsEmpty: false } bytes)
            {
                await client.WriteAsync(bytes, ended);
                await client.FlushAsync(ended);
                connection.Consume(bytes.Length);
            }
        }
        while (await connection.FillAsync());
    }

    /// <summary>Ends, without throwing, when either side does. What it throws is a fault of neither, and has closed the connection.</summary>
    private static async Task ToReplicaAsync(Stream client, UpstreamConnection connection, IdleWatch? idle, CancellationToken ended)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (await client.ReadAsync(buffer, ended) is > 0 and var count)
            {
                idle?.Touch();
                await connection.SendAsync(buffer.AsMemory(0, count));
            }

            connection.EndSending();
        }
        catch (Exception e) when (e is OperationCanceledException || UpstreamConnection.IsFailure(e))
        {
            connection.Dispose();
        }
        catch
        {
            connection.Dispose();   // else the other way would wait for the replica
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
