using System.Security.Cryptography;
using System.Text;

namespace Cortex.Gateway.Tests.Strangers;

/// <summary>What one request is known by, and what the bytes of its answer follow from.</summary>
/// <param name="Text">Unlike that of any other request.</param>
internal readonly record struct Token(string Text)
{
    public const string Header = "X-For";

    /// <summary>Random, but the same for the same token, on both sides.</summary>
    public Random Random => new(BitConverter.ToInt32(SHA256.HashData(Encoding.ASCII.GetBytes(Text))));

    /// <summary>The answer's body: the token again and again.</summary>
    public byte[] Body(int length)
    {
        var body = new byte[length];
        for (var i = 0; i < length; i++)
        {
            body[i] = At(i);
        }

        return body;
    }

    /// <summary>Whether bytes are those of the body from a place on.</summary>
    public bool Matches(ReadOnlySpan<byte> bytes, int offset)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != At(offset + i))
            {
                return false;
            }
        }

        return true;
    }

    private byte At(int index) => index % (Text.Length + 1) is var place && place < Text.Length ? (byte)Text[place] : (byte)'|';
}
