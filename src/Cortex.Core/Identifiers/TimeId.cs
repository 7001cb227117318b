using System.Globalization;

namespace Cortex.Core.Identifiers;

/// <summary>A moment as an id of 16 hexadecimal digits that sorts the newest first.</summary>
/// <param name="Value">The largest <see cref="long"/> less the moment in Unix nanoseconds.</param>
public readonly record struct TimeId(long Value)
{
    /// <summary>The moment in Unix nanoseconds.</summary>
    public long UnixNanoseconds => long.MaxValue - Value;

    /// <summary>The moment in Unix seconds.</summary>
    public long UnixSeconds => UnixNanoseconds / 1_000_000_000;

    /// <summary>Reads an id of exactly 16 lower-case hexadecimal digits; false for anything else.</summary>
    public static bool TryParse(string? text, out TimeId id)
    {
        id = default;
        if (text is not { Length: 16 } || !text.All(char.IsAsciiHexDigitLower)
            || !long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || value < 0)
        {
            return false;
        }

        id = new(value);
        return true;
    }

    /// <summary>The 16 digits.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
