using System.Text;

namespace Cortex.Core.Specs;

/// <summary>Replaces <c>$(NAME)</c> in commands, arguments and variables by Kubernetes' rules.</summary>
public static class VariableExpansion
{
    /// <summary>
    /// Replaces every reference to a known variable. Unknown ones stay as they are; <c>$$</c> becomes <c>$</c>, so
    /// that <c>$$(NAME)</c> gives the text <c>$(NAME)</c>. What is put in is not expanded again.
    /// </summary>
    public static string Expand(string text, IReadOnlyDictionary<string, string> variables)
    {
        var next = text.IndexOf('$', StringComparison.Ordinal);
        if (next < 0)
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        var at = 0;
        while (next >= 0 && next + 1 < text.Length)
        {
            result.Append(text, at, next - at);
            at = next + 2;
            var close = text[next + 1] == '(' ? text.IndexOf(')', at) : -1;
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

        return result.Append(text, at, text.Length - at).ToString();
    }
}
