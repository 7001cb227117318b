using System.Buffers;
using System.Buffers.Binary;

namespace Cortex.Gateway.Listening;

/// <summary>Follows the frames of an HTTP/2 client's bytes (RFC 9113, section 4.1) and what they cost.</summary>
internal sealed class FrameScanner(FrameBudget budget)
{
    private const int PrefaceLength = 24;
    private const int HeadLength = 9;
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte EndStream = 1;
    private readonly byte[] _head = new byte[HeadLength];
    private int _headLength;
    private long _skip = PrefaceLength;   // bytes before the next frame's head

    /// <summary>Takes further bytes. False when the budget is used up.</summary>
    public bool TryScan(in ReadOnlySequence<byte> bytes)
    {
        foreach (var segment in bytes)
        {
            if (!TryScan(segment.Span))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryScan(ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            var skipped = (int)Math.Min(_skip, bytes.Length);
            _skip -= skipped;
            bytes = bytes[skipped..];
            if (bytes.IsEmpty)
            {
                return true;
            }

            var taken = Math.Min(HeadLength - _headLength, bytes.Length);
            bytes[..taken].CopyTo(_head.AsSpan(_headLength));
            bytes = bytes[taken..];
            _headLength += taken;
            if (_headLength < HeadLength)
            {
                return true;
            }

            _headLength = 0;
            _skip = BinaryPrimitives.ReadUInt32BigEndian(_head) >> 8;
            if (!TryPay(_head[3], (int)_skip, _head[4]))
            {
                return false;
            }
        }
    }

    private bool TryPay(byte type, int length, byte flags)
    {
        switch (type)
        {
            case Data when length > 0:
                budget.Earn(length);
                return true;
            case Headers:
            case Data when (flags & EndStream) != 0:
                return true;   // one of each per request
            case Reset:
                return budget.TrySpend(FrameBudget.ResetPrice);
            default:
                return budget.TrySpend(1);
        }
    }
}
