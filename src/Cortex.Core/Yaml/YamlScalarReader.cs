using System.Globalization;
using System.Text.RegularExpressions;

namespace Cortex.Core.Yaml;

/// <summary>Gives plain scalars their YAML 1.1 meaning, as go-yaml v2 does.</summary>
internal static partial class YamlScalarReader
{
    private const string TagPrefix = "tag:yaml.org,2002:";

    /// <summary>Reads a scalar without an explicit tag.</summary>
    public static YamlScalar ReadPlain(Place place, string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => new(place, YamlScalarType.Null, text),
        "y" or "Y" or "yes" or "Yes" or "YES" or "on" or "On" or "ON" or "true" or "True" or "TRUE"
            => new(place, YamlScalarType.Bool, text) { Truth = true },
        "n" or "N" or "no" or "No" or "NO" or "off" or "Off" or "OFF" or "false" or "False" or "FALSE"
            => new(place, YamlScalarType.Bool, text),
        ".nan" or ".NaN" or ".NAN" => Float(place, text, double.NaN),
        ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" => Float(place, text, double.PositiveInfinity),
        "-.inf" or "-.Inf" or "-.INF" => Float(place, text, double.NegativeInfinity),
        "<<" => new(place, YamlScalarType.Merge, text),
        ['@', ..] => new(place, YamlScalarType.Reference, text),
        _ when TryReadInteger(text, out var integer) => new(place, YamlScalarType.Int, text) { Integer = integer },
        _ when FloatPattern.IsMatch(text) => Float(place, text, double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)),
        _ => new(place, YamlScalarType.String, text),
    };

    /// <summary>Reads a scalar with an explicit tag; null when the text does not fit the tag or the tag is not supported.</summary>
    public static YamlScalar? ReadTagged(Place place, string tag, string text)
    {
        var plain = ReadPlain(place, text);
        return tag switch
        {
            TagPrefix + "null" => plain.IsNull ? plain : null,
            TagPrefix + "bool" => plain.Type is YamlScalarType.Bool ? plain : null,
            TagPrefix + "int" => plain.Type is YamlScalarType.Int ? plain : null,
            TagPrefix + "float" when plain.Type is YamlScalarType.Int => Float(place, text, (double)plain.Integer),
            TagPrefix + "float" => plain.Type is YamlScalarType.Float ? plain : null,
            TagPrefix + "binary" => null,
            _ => new(place, YamlScalarType.String, text),
        };
    }

    private static YamlScalar Float(Place place, string text, double number) => new(place, YamlScalarType.Float, text) { Number = number };

    private static bool TryReadInteger(string text, out Int128 value)
    {
        value = 0;
        var digits = text.Replace("_", "", StringComparison.Ordinal).AsSpan();
        var negative = digits is ['-', ..];
        digits = digits is ['-' or '+', ..] ? digits[1..] : digits;
        if (digits.IsEmpty || !char.IsAsciiDigit(digits[0]) || !(char.IsAsciiDigit(text[0]) || text[0] is '-' or '+'))
        {
            return false;
        }

        var (radix, prefix) = digits switch
        {
            ['0', 'x' or 'X', ..] => (16, 2),
            ['0', 'b' or 'B', ..] => (2, 2),
            ['0', 'o' or 'O', ..] => (8, 2),
            ['0', _, ..] => (8, 1),
            _ => (10, 0),
        };
        digits = digits[prefix..];
        foreach (var digit in digits)
        {
            if (!char.IsAsciiHexDigit(digit) || Convert.ToInt32(digit.ToString(), 16) is var number && number >= radix)
            {
                return false;
            }

            value = (value * radix) + number;
            if (value > ulong.MaxValue)
            {
                return false;
            }
        }

        value = negative ? -value : value;
        return !digits.IsEmpty && value >= long.MinValue;
    }

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex FloatPattern { get; }
}
