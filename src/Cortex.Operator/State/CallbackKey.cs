using System.Security.Cryptography;

namespace Cortex.Operator.State;

/// <summary>The secret that an API's callbacks are signed with.</summary>
/// <param name="Bytes">The key itself; 32 bytes.</param>
internal sealed record CallbackKey(ReadOnlyMemory<byte> Bytes)
{
    private const string Prefix = "whsec_";
    private const int Length = 32;

    /// <summary>A new one that nobody can guess.</summary>
    public static CallbackKey New() => new(RandomNumberGenerator.GetBytes(Length));

    /// <summary>Reads the text form.</summary>
    public static CallbackKey Parse(string text) => text.StartsWith(Prefix, StringComparison.Ordinal)
        ? new(Convert.FromBase64String(text[Prefix.Length..]))
        : throw new FormatException("a callback key begins with " + Prefix);

    /// <summary>The form for people and receivers: <c>whsec_</c> and the bytes in base64.</summary>
    public string ToText() => Prefix + Convert.ToBase64String(Bytes.Span);
}
