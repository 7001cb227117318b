namespace Cortex.Jobs.Batch.Sources;

/// <summary>Orders texts by their UTF-8 bytes, as S3 orders keys.</summary>
internal sealed class Utf8Order : IComparer<string>
{
    public static Utf8Order Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        if (x is null || y is null)
        {
            return (x is null ? 0 : 1) - (y is null ? 0 : 1);
        }

        var common = x.AsSpan().CommonPrefixLength(y);
        if (common == x.Length || common == y.Length)
        {
            return x.Length - y.Length;
        }

        // UTF-16 puts characters over U+FFFF, written as surrogates, before U+E000 to U+FFFF; UTF-8 after them.
        var left = x[common];
        var right = y[common];
        return char.IsSurrogate(left) == char.IsSurrogate(right) ? left - right : char.IsSurrogate(left) ? 1 : -1;
    }
}
