namespace Cortex.Core.Yaml;

/// <summary>
/// Carries unquoted scalars that start with <c>@</c> past the scanner, which refuses them as YAML demands, while
/// Cortex's dialect gives them a meaning of their own. A character that the text does not use stands in for the
/// sign, one for one, so that places stay true.
/// </summary>
internal readonly struct AtSigns
{
    private const char FirstPrivate = '\uE000';
    private const char LastPrivate = '\uF8FF';
    private readonly char _standIn;

    private AtSigns(char standIn) => _standIn = standIn;

    /// <summary>Replaces every <c>@</c> at which a scalar may begin.</summary>
    public static AtSigns Hide(string text, out string hidden)
    {
        hidden = text;
        if (!text.Contains('@', StringComparison.Ordinal))
        {
            return default;
        }

        var standIn = FirstPrivate;
        while (text.Contains(standIn, StringComparison.Ordinal))
        {
            if (standIn++ == LastPrivate)
            {
                return default;
            }
        }

        var characters = text.ToCharArray();
        for (var at = 0; at < characters.Length; at++)
        {
            if (characters[at] == '@' && (at == 0 || text[at - 1] is ' ' or '\t' or '\r' or '\n' or '[' or '{' or ','))
            {
                characters[at] = standIn;
            }
        }

        hidden = new string(characters);
        return new(standIn);
    }

    /// <summary>Puts the signs back into a piece of the text.</summary>
    public string Restore(string text) => _standIn == default ? text : text.Replace(_standIn, '@');
}
