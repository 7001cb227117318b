using System.Text;

namespace Cortex.Cli.Output;

/// <summary>Lines of <c>key: value</c> with the values in one column.</summary>
internal sealed class KeyValues
{
    private readonly List<(string Key, string Value)> _pairs = [];

    public bool IsEmpty => _pairs.Count == 0;

    public void Add(string key, string value) => _pairs.Add((key, value));

    public string Render(Func<string, string> decorateKey)
    {
        var width = _pairs.Max(pair => pair.Key.Length) + 1;
        var text = new StringBuilder();
        foreach (var (key, value) in _pairs)
        {
            text.Append(decorateKey(key + ":")).Append(' ', width - key.Length).Append(value).Append('\n');
        }

        return text.ToString();
    }
}
