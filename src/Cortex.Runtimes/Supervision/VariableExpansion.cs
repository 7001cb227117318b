using System.Text;

namespace Cortex.Runtimes.Supervision;

/// <summary>Replaces <c>$(NAME)</c> as Kubernetes does: unknown names stay as written, and <c>$$</c> is one <c>$</c>.</summary>
internal static class VariableExpansion
{
    public static string Expand(string text, IReadOnlyDictionary<string, string> variables)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var next = i + 1 < text.Length ? text[i + 1] : '\0';
            var end = text[i] == '$' && next == '(' ? text.IndexOf(')', i + 2) : -1;
            if (end > 0)
            {
                result.Append(variables.GetValueOrDefault(text[(i + 2)..end], text[i..(end + 1)]));
                i = end;
            }
            else
            {
                result.Append(text[i]);
                if (text[i] == '$' && next == '$')
                {
                    i++;
                }
            }
        }

        return result.ToString();
    }
}
