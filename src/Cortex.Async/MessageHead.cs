using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Cortex.Gateway.Replicas;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Cortex.Async;

/// <summary>
/// What is kept of a request beside its payload: the API's name, where to call back, and the headers for the worker, as
/// the lines that are sent to it.
/// </summary>
/// <remarks>
/// Layout: a version, the length of the name (1 byte) and of the URL (2 bytes), the name, the URL, and then each header as
/// <c>Name: value</c> with a line break behind it. Heads are read and written as Latin-1, so the bytes that a client sent are the
/// bytes that the worker gets. Not kept are: Host, what frames the body, what belongs to a connection, Expect,
/// Accept-Encoding (the worker's answer goes to us), and the headers that this platform gives a meaning of its own on the
/// way to a worker.
/// </remarks>
internal readonly struct MessageHead
{
    /// <summary>Bytes of the longest head.</summary>
    public const int MaxLength = 64 * 1024;

    private const byte Version = 1;
    private const int Prefix = 4;

    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> ForbiddenInValues = SearchValues.Create("\0\r\n");

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly int _nameLength;
    private readonly int _urlLength;

    private MessageHead(ReadOnlyMemory<byte> bytes, int nameLength, int urlLength)
    {
        _bytes = bytes;
        _nameLength = nameLength;
        _urlLength = urlLength;
    }

    /// <summary>The name of the API that took the request.</summary>
    public string ApiName => Encoding.Latin1.GetString(_bytes.Span.Slice(Prefix, _nameLength));

    /// <summary>Whether the final state is to be POSTed somewhere.</summary>
    public bool HasCallback => _urlLength > 0;

    /// <summary>Where to POST the final state; null when nowhere.</summary>
    public string? CallbackUrl => _urlLength == 0 ? null : Encoding.Latin1.GetString(_bytes.Span.Slice(Prefix + _nameLength, _urlLength));

    /// <summary>Every header, ready to be put into an HTTP/1.1 request: <c>Name: value</c> and CR LF, again and again.</summary>
    public ReadOnlyMemory<byte> HeaderLines => _bytes[(Prefix + _nameLength + _urlLength)..];

    /// <summary>The headers one by one.</summary>
    public HeaderEnumerator GetEnumerator() => new(HeaderLines.Span);

    /// <summary>Reads what <see cref="Write"/> wrote. False when it is something else.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, out MessageHead head)
    {
        head = default;
        var span = bytes.Span;
        if (span.Length < Prefix || span[0] != Version)
        {
            return false;
        }

        var nameLength = span[1];
        var urlLength = BinaryPrimitives.ReadUInt16BigEndian(span[2..]);
        if (span.Length < Prefix + nameLength + urlLength)
        {
            return false;
        }

        head = new MessageHead(bytes, nameLength, urlLength);
        return true;
    }

    /// <summary>How many bytes a request's head takes at most.</summary>
    /// <param name="headers">The request's headers.</param>
    /// <param name="apiName">Of at most 255 characters.</param>
    /// <param name="callbackUrl">Where to call back; empty for nowhere.</param>
    /// <param name="length">The number of bytes; perhaps more than <see cref="MaxLength"/>.</param>
    /// <param name="trouble">Why there is no head for it: it has a header that cannot be sent on.</param>
    public static bool TryMeasure(
        IHeaderDictionary headers, string apiName, string callbackUrl, out int length, [NotNullWhen(false)] out string? trouble)
    {
        length = Prefix + apiName.Length + callbackUrl.Length;
        trouble = null;
        var connection = headers.Connection;
        foreach (var (name, values) in headers)
        {
            if (!IsKept(name, connection))
            {
                continue;
            }

            if (name.AsSpan().ContainsAnyExcept(TokenChars))
            {
                trouble = "the request has a malformed header name";
                return false;
            }

            foreach (var value in values)
            {
                if (value.AsSpan().ContainsAny(ForbiddenInValues))
                {
                    trouble = $"the header {name} has a line break in its value";
                    return false;
                }

                length += name.Length + (value?.Length ?? 0) + 4;
            }
        }

        return true;
    }

    /// <summary>Writes the head of what <see cref="TryMeasure"/> was given, and returns its length.</summary>
    public static int Write(Span<byte> output, IHeaderDictionary headers, string apiName, string callbackUrl)
    {
        var room = output.Length;
        output[0] = Version;
        output[1] = checked((byte)apiName.Length);
        BinaryPrimitives.WriteUInt16BigEndian(output[2..], checked((ushort)callbackUrl.Length));
        output = output[Prefix..];
        Put(ref output, apiName);
        Put(ref output, callbackUrl);
        var connection = headers.Connection;
        foreach (var (name, values) in headers)
        {
            if (!IsKept(name, connection))
            {
                continue;
            }

            // HTTP/2 may split what HTTP/1.1 sends in one line (RFC 9113, section 8.2.3).
            if (values.Count > 1 && Is(name, "Cookie"))
            {
                WriteLine(ref output, name, string.Join("; ", (IEnumerable<string?>)values));
                continue;
            }

            foreach (var value in values)
            {
                WriteLine(ref output, name, value);
            }
        }

        return room - output.Length;
    }

    private static bool IsKept(string name, StringValues connection)
    {
        var kept = HopHeaders.ClassifyRequest(name) switch
        {
            HeaderKind.EndToEnd => name.Length switch
            {
                6 => !Is(name, "Expect"),
                15 => !Is(name, "Accept-Encoding"),
                18 => !Is(name, "X-Cortex-Queue-URL"),
                19 => !Is(name, "X-Cortex-Request-ID"),
                21 => !Is(name, "X-Cortex-Callback-URL"),
                _ => name[0] != ':',
            },
            HeaderKind.Own => name.Length != 4,   // all but Host speak of the message
            _ => false,
        };
        return kept && (connection.Count == 0 || !HopHeaders.HasOption(connection, name));
    }

    private static bool Is(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static void WriteLine(ref Span<byte> output, string name, string? value)
    {
        Put(ref output, name);
        Put(ref output, ": ");
        Put(ref output, value);
        Put(ref output, "\r\n");
    }

    private static void Put(ref Span<byte> output, ReadOnlySpan<char> text)
    {
        Encoding.Latin1.GetBytes(text, output);
        output = output[text.Length..];
    }

    /// <summary>Goes through header lines.</summary>
    public ref struct HeaderEnumerator(ReadOnlySpan<byte> lines)
    {
        private ReadOnlySpan<byte> _rest = lines;

        /// <summary>The header.</summary>
        public Header Current { get; private set; }

        /// <summary>Goes to the next header; false when there is none.</summary>
        public bool MoveNext()
        {
            var end = _rest.IndexOf("\r\n"u8);
            var colon = _rest.IndexOf(": "u8);
            if (end < 0 || colon < 0 || colon > end)
            {
                return false;
            }

            Current = new Header(_rest[..colon], _rest[(colon + 2)..end]);
            _rest = _rest[(end + 2)..];
            return true;
        }
    }

    /// <summary>One header, as Latin-1.</summary>
    public readonly ref struct Header(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        /// <summary>Its name, in the case in which it came.</summary>
        public ReadOnlySpan<byte> Name { get; } = name;

        /// <summary>Its value; perhaps empty.</summary>
        public ReadOnlySpan<byte> Value { get; } = value;
    }
}
