using System.Globalization;
using System.Numerics;

namespace Cortex.Core.Units;

/// <summary>
/// An amount in the grammar of Kubernetes (<c>200m</c>, <c>1.5</c>, <c>512Mi</c>, <c>1e3</c>), and <c>K</c> beside
/// <c>k</c>. Exact to a billionth, rounded away from zero; amounts over 2^63-1 units are held there.
/// </summary>
public readonly record struct Quantity : IComparable<Quantity>
{
    private const long NanosPerUnit = 1_000_000_000;
    private const int MaxLength = 100;
    private static readonly Int128 s_max = (Int128)long.MaxValue * NanosPerUnit;

    private readonly Int128 _nanos;

    private Quantity(Int128 nanos) => _nanos = nanos;

    /// <summary>Whole units (bytes, processors), rounded up.</summary>
    public long Value => RoundUp(NanosPerUnit);

    /// <summary>Thousandths of a unit, rounded up; held at the ends of the range of <see cref="long"/>.</summary>
    public long MilliValue => RoundUp(NanosPerUnit / 1000);

    /// <summary>An amount of so many thousandths.</summary>
    public static Quantity FromMillis(long millis) => new((Int128)millis * (NanosPerUnit / 1000));

    /// <summary>An amount of so many whole units.</summary>
    public static Quantity FromUnits(long units) => new((Int128)units * NanosPerUnit);

    /// <summary>Reads a quantity.</summary>
    /// <exception cref="FormatException">The text is not a quantity.</exception>
    public static Quantity Parse(string text) => TryParse(text, out var quantity)
        ? quantity
        : throw new FormatException($"\"{text}\" is not a quantity such as 200m, 0.5, 512Mi or 2G");

    /// <summary>Reads a quantity of at most 100 characters; false when the text is not one.</summary>
    public static bool TryParse(string? text, out Quantity quantity)
    {
        quantity = default;
        if (string.IsNullOrEmpty(text) || text.Length > MaxLength)
        {
            return false;
        }

        var negative = text[0] == '-';
        var at = text[0] is '-' or '+' ? 1 : 0;
        var mantissa = BigInteger.Zero;
        var digits = 0;
        var scale = 0;
        for (var fraction = false; at < text.Length; at++)
        {
            if (char.IsAsciiDigit(text[at]))
            {
                mantissa = (mantissa * 10) + (text[at] - '0');
                digits++;
                scale -= fraction ? 1 : 0;
            }
            else if (text[at] == '.' && !fraction)
            {
                fraction = true;
            }
            else
            {
                break;
            }
        }

        if (digits == 0 || !TryReadSuffix(text.AsSpan(at), out var powerOfTen, out var powerOfTwo))
        {
            return false;
        }

        var nanos = ToNanos(mantissa << powerOfTwo, scale + powerOfTen + 9);
        quantity = new(negative ? -nanos : nanos);
        return true;
    }

    /// <summary>The shortest usual form of thousandths: <c>2</c>, <c>7600m</c>.</summary>
    public static string FormatMillis(long millis) => millis % 1000 == 0
        ? (millis / 1000).ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{millis}m");

    /// <summary>The usual form of an amount of bytes, in the largest binary unit that divides it: <c>15Gi</c>, <c>1000</c>.</summary>
    public static string FormatBytes(long bytes)
    {
        var unit = 0;
        while (bytes != 0 && unit < BinaryUnits.Length && bytes % 1024 == 0)
        {
            bytes /= 1024;
            unit++;
        }

        return bytes.ToString(CultureInfo.InvariantCulture) + (unit == 0 ? "" : $"{BinaryUnits[unit - 1]}i");
    }

    /// <inheritdoc/>
    public int CompareTo(Quantity other) => _nanos.CompareTo(other._nanos);

    /// <summary>Whether the left amount is smaller.</summary>
    public static bool operator <(Quantity left, Quantity right) => left.CompareTo(right) < 0;

    /// <summary>Whether the left amount is larger.</summary>
    public static bool operator >(Quantity left, Quantity right) => left.CompareTo(right) > 0;

    /// <summary>Whether the left amount is not larger.</summary>
    public static bool operator <=(Quantity left, Quantity right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left amount is not smaller.</summary>
    public static bool operator >=(Quantity left, Quantity right) => left.CompareTo(right) >= 0;

    private const string BinaryUnits = "KMGTPE";

    private static bool TryReadSuffix(ReadOnlySpan<char> suffix, out int powerOfTen, out int powerOfTwo)
    {
        powerOfTen = powerOfTwo = 0;
        switch (suffix)
        {
            case "": return true;
            case "n": powerOfTen = -9; return true;
            case "u": powerOfTen = -6; return true;
            case "m": powerOfTen = -3; return true;
            case "k" or "K": powerOfTen = 3; return true;
            case "M": powerOfTen = 6; return true;
            case "G": powerOfTen = 9; return true;
            case "T": powerOfTen = 12; return true;
            case "P": powerOfTen = 15; return true;
            case "E": powerOfTen = 18; return true;
        }

        if (suffix is [_, 'i'] && BinaryUnits.Contains(suffix[0]))
        {
            powerOfTwo = 10 * (BinaryUnits.IndexOf(suffix[0]) + 1);
            return true;
        }

        // An exponent over three digits is out of every range already; it is held so that no huge power is computed.
        if (suffix is not ['e' or 'E', ..] || !long.TryParse(suffix[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent))
        {
            return false;
        }

        powerOfTen = (int)Math.Clamp(exponent, -999, 999);
        return true;
    }

    private static Int128 ToNanos(BigInteger mantissa, int powerOfTen)
    {
        var nanos = powerOfTen >= 0
            ? mantissa * BigInteger.Pow(10, powerOfTen)
            : DivideUp(mantissa, BigInteger.Pow(10, -powerOfTen));
        return nanos > (BigInteger)s_max ? s_max : (Int128)nanos;
    }

    private static BigInteger DivideUp(BigInteger value, BigInteger by)
    {
        var quotient = BigInteger.DivRem(value, by, out var rest);
        return rest.IsZero ? quotient : quotient + 1;
    }

    private long RoundUp(long by)
    {
        var (quotient, rest) = Int128.DivRem(_nanos, by);
        quotient += rest > 0 ? 1 : 0;
        return (long)Int128.Clamp(quotient, long.MinValue, long.MaxValue);
    }
}
