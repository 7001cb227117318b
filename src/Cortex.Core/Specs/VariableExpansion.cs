using System.Text;

namespace Cortex.Core.Specs;

/// <summary>Replaces <c>$(NAME)</c> in commands, arguments and variables by Kubernetes' rules.</summary>
public static class VariableExpansion
{
    /// <summary>
    /// Replaces every reference to a known variable. Unknown ones stay as they are; <c>$$</c> becomes <c>$</c>, so
    /// that <c>$$(NAME)</c> gives the text <c>$(NAME)</c>. What is put in is not expanded again.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="variables">The variables that it may refer to.</param>
    /// <param name="maxLength">Characters of the result at most: a few references to each other make a huge text of a small one.</param>
    /// <returns>The text; null when it would be longer.</returns>
    public static string? Expand(string text, IReadOnlyDictionary<string, string> variables, int maxLength)
    {
        var next = text.IndexOf('$', StringComparison.Ordinal);
        if (next < 0)
        {
            return text.Length <= maxLength ? text : null;
        }

        var result = new StringBuilder(Math.Min(text.Length, maxLength));
        var at = 0;
        var lastClose = text.LastIndexOf(')');   // without it, each open reference would be looked through to the end
        while (next >= 0 && next + 1 < text.Length && result.Length <= maxLength)
        {
            result.Append(text, at, next - at);
            at = next + 2;
            var close = text[next + 1] == '(' && at <= lastClose ? text.IndexOf(')', at) : -1;
            if (close >= 0)
            {
                var name = text[at..close];
                result.Append(variables.TryGetValue(name, out var value) ? value : text[next..(close + 1)]);
                at = close + 1;
            }
            else if (text[next + 1] == '$')
            {
                result.Append('$');
            }
            else
            {
                result.Append(text, next, 2);
            }

            next = text.IndexOf('$', at);
        }

        return result.Length + text.Length - at <= maxLength ? result.Append(text, at, text.Length - at).ToString() : null;
    }
}
