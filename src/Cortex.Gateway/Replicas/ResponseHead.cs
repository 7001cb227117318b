using System.Buffers;
using System.Buffers.Text;

namespace Cortex.Gateway.Replicas;

/// <summary>
/// A parsed HTTP/1.x answer head: places in the bytes it was parsed from. Reused from answer to answer. Strict: what two
/// readers could understand differently is refused. Only a line may end with LF alone, as small servers end theirs (RFC 9112,
/// section 2.2): an answer has one reader, who writes it anew.
/// </summary>
internal sealed class ResponseHead
{
    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static readonly SearchValues<byte> ForbiddenInValues = SearchValues.Create(ForbiddenBytes());

    private HeaderField[] _fields = new HeaderField[32];

    /// <summary>Bytes of the whole head, its empty line included.</summary>
    public int Length { get; private set; }

    /// <summary>100-999.</summary>
    public int Status { get; private set; }

    /// <summary>Whether no other head follows for the same request: not so after 1xx, apart from 101.</summary>
    public bool IsFinal => Status is >= 200 or 101;

    /// <summary>The place of the reason phrase, which may be empty.</summary>
    public Range Reason { get; private set; }

    /// <summary>All header fields in order, those that are not to be passed on included.</summary>
    public ReadOnlySpan<HeaderField> Fields => _fields.AsSpan(0, FieldCount);

    /// <summary>How many fields there are.</summary>
    public int FieldCount { get; private set; }

    /// <summary>The announced body length; null when none was announced.</summary>
    public long? ContentLength { get; private set; }

    /// <summary>Whether the body comes in chunks.</summary>
    public bool IsChunked { get; private set; }

    /// <summary>Whether the replica will take another request on this connection.</summary>
    public bool KeepsConnection { get; private set; }

    /// <summary>The connection's end is the body's.</summary>
    public void EndsWithConnection() => KeepsConnection = false;

    /// <summary>Whether the answer ends with its head, whatever that says of a body (RFC 9112, section 6.3).</summary>
    /// <param name="toHead">Whether it answers a HEAD.</param>
    public bool HasNoBody(bool toHead) => toHead || Status is < 200 or 204 or 205 or 304;

    /// <summary>Whether the head itself says that no byte follows.</summary>
    public bool SaysItIsEmpty => ContentLength == 0;

    /// <summary>Whether Connection names headers that are not to be passed on.</summary>
    public bool NamesHopHeaders { get; private set; }

    /// <summary>Parses a head. False when it is not complete yet.</summary>
    /// <exception cref="BadUpstreamAnswerException">The bytes are no well-formed head.</exception>
    public bool TryParse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IndexOf("\n\r\n"u8) < 0 && bytes.IndexOf("\n\n"u8) < 0)
        {
            // Garbage is refused at once instead of waiting for an end that may never come.
            if (!bytes[..Math.Min(bytes.Length, 7)].SequenceEqual("HTTP/1."u8[..Math.Min(bytes.Length, 7)]))
            {
                throw new BadUpstreamAnswerException("the answer does not start with HTTP/1");
            }

            return false;
        }

        Reset();
        var next = 0;
        ParseStatusLine(bytes[NextLine(bytes, ref next)]);
        while (NextLine(bytes, ref next) is var line && line.Start.Value < line.End.Value)
        {
            ParseField(bytes, line.Start.Value, line.End.Value);
        }

        Length = next;

        if (IsChunked && ContentLength is not null)
        {
            throw new BadUpstreamAnswerException("the answer has both Content-Length and Transfer-Encoding");
        }

        return true;
    }

    private static byte[] ForbiddenBytes() =>
        [.. Enumerable.Range(0, 32).Where(static b => b != '\t').Select(static b => (byte)b), 127];

    /// <summary>The place of a line without its end; the caller knows that it has one.</summary>
    private static Range NextLine(ReadOnlySpan<byte> bytes, ref int next)
    {
        var start = next;
        var end = start + bytes[start..].IndexOf((byte)'\n');
        next = end + 1;
        return start..(end > start && bytes[end - 1] == '\r' ? end - 1 : end);
    }

    private void Reset()
    {
        FieldCount = 0;
        ContentLength = null;
        IsChunked = false;
        NamesHopHeaders = false;
    }

    private void ParseStatusLine(ReadOnlySpan<byte> line)
    {
        // HTTP/1.x SP 3DIGIT [SP reason]
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[7] is not ((byte)'0' or (byte)'1') || line[8] != ' '
            || !Utf8Parser.TryParse(line[9..12], out int status, out var digits) || digits != 3 || status < 100
            || (line.Length > 12 && line[12] != ' ') || line.ContainsAny(ForbiddenInValues))
        {
            throw new BadUpstreamAnswerException("the answer's status line is malformed");
        }

        Status = status;
        Reason = line.Length > 13 ? 13..line.Length : 12..12;
        KeepsConnection = line[7] == '1';
    }

    private void ParseField(ReadOnlySpan<byte> bytes, int start, int end)
    {
        var line = bytes[start..end];
        var colon = line.IndexOf((byte)':');
        if (colon <= 0 || line[..colon].ContainsAnyExcept(TokenBytes))
        {
            throw new BadUpstreamAnswerException("the answer has a malformed header line");
        }

        var value = line[(colon + 1)..];
        var lead = 0;
        while (lead < value.Length && value[lead] is (byte)' ' or (byte)'\t')
        {
            lead++;
        }

        var valueEnd = value.Length;
        while (valueEnd > lead && value[valueEnd - 1] is (byte)' ' or (byte)'\t')
        {
            valueEnd--;
        }

        value = value[lead..valueEnd];
        if (value.ContainsAny(ForbiddenInValues))
        {
            throw new BadUpstreamAnswerException("the answer has a header value with control characters");
        }

        var kind = HopHeaders.Classify(line[..colon]);
        switch (kind)
        {
            case HeaderKind.ContentLength:
                SetContentLength(value);
                break;
            case HeaderKind.TransferEncoding:
                if (IsChunked || !value.SequenceEqualIgnoreCase("chunked"u8))
                {
                    throw new BadUpstreamAnswerException("the answer has a Transfer-Encoding other than chunked");
                }

                IsChunked = true;
                break;
            case HeaderKind.Connection:
                ReadConnection(value);
                break;
        }

        if (FieldCount == _fields.Length)
        {
            Array.Resize(ref _fields, FieldCount * 2);   // bounded by the head's size
        }

        var valueStart = start + colon + 1 + lead;
        _fields[FieldCount++] = new HeaderField(kind, start, colon, valueStart, value.Length);
    }

    private void SetContentLength(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')
            || !Utf8Parser.TryParse(value, out long length, out var used) || used != value.Length
            || (ContentLength is { } known && known != length))
        {
            throw new BadUpstreamAnswerException("the answer's Content-Length is malformed or contradicts itself");
        }

        ContentLength = length;
    }

    private void ReadConnection(ReadOnlySpan<byte> value)
    {
        foreach (var range in value.Split((byte)','))
        {
            var option = value[range].Trim(" \t"u8);
            if (option.SequenceEqualIgnoreCase("close"u8))
            {
                KeepsConnection = false;
            }
            else if (!option.IsEmpty && !option.SequenceEqualIgnoreCase("keep-alive"u8) && !option.SequenceEqualIgnoreCase("upgrade"u8))
            {
                NamesHopHeaders = true;
            }
        }
    }
}
