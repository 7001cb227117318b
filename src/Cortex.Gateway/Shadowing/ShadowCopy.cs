using System.Buffers;
using Cortex.Gateway.Admission;
using Cortex.Gateway.Forwarding;
using Cortex.Gateway.Replicas;
using Cortex.Gateway.Splitting;
using Microsoft.Extensions.Logging;

namespace Cortex.Gateway.Shadowing;

/// <summary>
/// A copy of one request for a shadow: collected by the request, one step at a time; then sent on its own. The shadow's answer is read
/// to its end, so that the shadow does its whole work, and dropped.
/// </summary>
internal sealed class ShadowCopy(
    ShadowCopies copies, GatewayOptions options, TimeProvider time, ILogger logger, SplitBranch shadow, HeadBuffer head, long reserved, bool isHead, CancellationToken stopping)
{
    private const int FirstBuffer = 4 * 1024;
    private byte[] _body = [];
    private int _length;
    private long? _expected;
    private long _reserved = reserved;
    private bool _isCollected;

    /// <summary>Makes room for a body; false when there is none, and the copy is given up.</summary>
    /// <param name="length">Its length; 0 when that is not known before its end.</param>
    public bool TryExpect(long length)
    {
        _expected = length > 0 ? length : null;
        return TryGrow(length > 0 ? (int)length : FirstBuffer);
    }

    /// <summary>Takes a part of the body, and with the last one goes on its way.</summary>
    /// <param name="part">What has been read.</param>
    /// <param name="isLast">Whether nothing follows.</param>
    public void Append(in ReadOnlySequence<byte> part, bool isLast)
    {
        if (_isCollected || !TryTake(part))
        {
            return;
        }

        if (isLast || _length == _expected)
        {
            Send();
        }
    }

    /// <summary>The request is over: what has not been collected by now never will be.</summary>
    public void GiveUp()
    {
        if (!_isCollected)
        {
            Drop();
        }
    }

    /// <summary>Sends the copy, on another thread.</summary>
    public void Send()
    {
        _isCollected = true;
        ThreadPool.UnsafeQueueUserWorkItem(static copy => _ = copy.SendAsync(), this, preferLocal: false);
    }

    private bool TryTake(in ReadOnlySequence<byte> part)
    {
        var needed = _length + part.Length;
        if (needed > options.ShadowMaxBody)
        {
            Drop();
            return false;
        }

        if (needed > _body.Length && !TryGrow((int)Math.Min(options.ShadowMaxBody, Math.Max(needed, 2L * _body.Length))))
        {
            return false;
        }

        part.CopyTo(_body.AsSpan(_length));
        _length += (int)part.Length;
        return true;
    }

    private bool TryGrow(int size)
    {
        if (!copies.TryReserve(size))
        {
            Drop();
            return false;
        }

        var larger = ArrayPool<byte>.Shared.Rent(size);
        _body.AsSpan(0, _length).CopyTo(larger);
        ReturnBody();
        _body = larger;
        _reserved += size;
        return true;
    }

    private void Drop()
    {
        _isCollected = true;
        shadow.Counters.RecordDropped();
        Free();
    }

    private void Free()
    {
        ReturnBody();
        copies.Free(_reserved);
        _reserved = 0;
    }

    private void ReturnBody()
    {
        if (_body.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_body);
            _body = [];
        }
    }

    private async Task SendAsync()
    {
        var gate = shadow.Gate!;
        var start = time.GetTimestamp();
        using var late = new CancellationTokenSource(options.ShadowTimeout, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stopping);
        var slot = new Slot();
        try
        {
            var entry = await gate.EnterAsync(end.Token);
            if (entry.Outcome == AdmissionOutcome.Asleep)
            {
                entry = await gate.WakeAsync(0, end.Token);   // its body is counted already
            }

            if (entry.Replica is not { } replica)
            {
                shadow.Counters.RecordDropped();
                return;
            }

            slot.Hold(gate, replica);
            var status = 0;
            try
            {
                status = await ExchangeAsync(replica.Pool, end.Token);
            }
            catch (UpstreamUnreachableException e)
            {
                slot.ReleaseUnreachable();
                logger.ShadowFailed(gate.Name, e.Message);
            }
            catch (Exception e) when (UpstreamConnection.IsFailure(e) || (e is OperationCanceledException && end.IsCancellationRequested))
            {
                logger.ShadowFailed(gate.Name, e.Message);
            }

            var elapsed = time.GetElapsedTime(start);
            gate.Metrics.Record(status, elapsed);
            shadow.Record(status, brokeOff: status == 0, elapsed);
        }
        catch (Exception e)
        {
            logger.HandlerFailed(gate.Name, e);   // nobody waits for this task who could see it
        }
        finally
        {
            slot.Release();
            Free();
        }
    }

    /// <summary>The status of the answer, once it was read to its end.</summary>
    private async ValueTask<int> ExchangeAsync(UpstreamPool pool, CancellationToken cancellationToken)
    {
        if (!pool.TryTake(out var connection))
        {
            connection = await pool.ConnectAsync(cancellationToken);
        }

        var isRead = false;
        try
        {
            using (cancellationToken.UnsafeRegister(static state => ((UpstreamConnection)state!).Dispose(), connection))
            {
                RequestHead.EndShadow(head, _length);
                connection.BeginRequest(isHead);
                connection.BoundSending(true);
                await connection.SendAsync(head.Written);
                if (_length > 0)
                {
                    connection.BoundSending(false);   // a replica may read a body as slowly as it likes
                    await connection.SendAsync(_body.AsMemory(0, _length));
                }

                await connection.ReadHeadAsync(skipInterim: true, idle: null);
                await ReadBodyAsync(connection);
            }

            isRead = true;
            return connection.Head.Status;
        }
        finally
        {
            if (isRead)
            {
                pool.Return(connection, isUsable: !cancellationToken.IsCancellationRequested);
            }
            else
            {
                connection.Dispose();
            }
        }
    }

    private static async ValueTask ReadBodyAsync(UpstreamConnection connection)
    {
        connection.Consume(connection.Head.Length);
        var body = new AnswerBodyReader(connection);
        while (true)
        {
            body.Consume(connection);
            if (body.TryTake(connection, out var run))
            {
                if (run.IsEmpty)
                {
                    return;
                }
            }
            else if (!await connection.FillAsync())
            {
                if (body.EndsWithConnection)
                {
                    return;
                }

                throw new BadUpstreamAnswerException("the connection was closed within the answer's body");
            }
        }
    }
}
