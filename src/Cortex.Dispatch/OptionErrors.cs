namespace Cortex.Dispatch;

/// <summary>Collects what is wrong with options.</summary>
public sealed class OptionErrors
{
    private readonly List<string> _all = [];

    /// <summary>Every error, in the order of the checks.</summary>
    public IReadOnlyList<string> All => _all;

    /// <summary>Notes an error unless a value is as it must be.</summary>
    public void Check(bool holds, string name, string range, object value)
    {
        if (!holds)
        {
            _all.Add(string.Create(null, $"{name} must be {range}, not {value}"));
        }
    }
}
