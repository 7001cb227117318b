namespace Cortex.Queues.Blobs;

/// <summary>What every blob store requires of a name, so that none of them leaves its folder or bucket.</summary>
internal static class BlobNameRule
{
    private const int MaxLength = 200;

    public static void Check(string name)
    {
        var valid = name.Length is > 0 and <= MaxLength && name[0] != '/' && name[^1] != '/' && !name.Contains("//", StringComparison.Ordinal);
        foreach (var c in name)
        {
            valid &= char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '/';
        }

        if (!valid)
        {
            throw new ArgumentException($"\"{name}\" is no name of a blob: it needs 1 to {MaxLength} lower-case letters, digits and dashes, with single slashes between them", nameof(name));
        }
    }
}
