using System.Globalization;

namespace Cortex.Core.Yaml;

/// <summary>Finds characters that YAML forbids, which the scanner would take for the end of the text or pass on.</summary>
internal static class YamlCharacters
{
    /// <summary>The first forbidden character as a fault; null without any.</summary>
    public static YamlFault? FindForbidden(string text)
    {
        for (var at = 0; at < text.Length; at++)
        {
            var high = char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]);
            if (!high && IsForbidden(text[at], at))
            {
                var code = ((int)text[at]).ToString("X4", CultureInfo.InvariantCulture);
                return new(PlaceAt(text, at), $"the character U+{code} is not allowed");
            }

            at += high ? 1 : 0;
        }

        return null;
    }

    private static bool IsForbidden(char character, int at) => character switch
    {
        '\t' or '\n' or '\r' or '\u0085' => false,
        '\uFEFF' => at > 0,
        < ' ' or (>= '\u007F' and <= '\u009F') or '\uFFFE' or '\uFFFF' => true,
        _ => char.IsSurrogate(character),
    };

    private static Place PlaceAt(string text, int at)
    {
        var line = 1;
        var start = 0;
        for (var i = 0; i < at; i++)
        {
            if (text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n'))
            {
                line++;
                start = i + 1;
            }
        }

        return new(line, at - start + 1);
    }
}
