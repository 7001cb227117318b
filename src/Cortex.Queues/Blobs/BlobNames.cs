namespace Cortex.Queues.Blobs;

/// <summary>Names of blobs tell their message, so that a blob that belongs to none can be told without an index.</summary>
public static class BlobNames
{
    private const string PayloadSuffix = "/payload";
    private const string ResultInfix = "/result-";

    /// <summary>Where a message's payload goes.</summary>
    public static string Payload(MessageId id) => $"{Folder(id)}{PayloadSuffix}";

    /// <summary>Where the result of one lease goes: two holders of the same message never write to the same place.</summary>
    public static string Result(Lease lease) => $"{Folder(lease.Id)}{ResultInfix}{(ulong)lease.Token:x16}";

    /// <summary>Whether a blob is a result, which ends work rather than bringing more.</summary>
    internal static bool IsResult(string name) => name.Contains(ResultInfix, StringComparison.Ordinal);

    /// <summary>The message that a blob belongs to. False when the name is none of ours.</summary>
    public static bool TryParse(string name, out MessageId id)
    {
        id = default;
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash == 4
            && name.Length > 5 + MessageId.Length
            && MessageId.TryParse(name.AsSpan(5, MessageId.Length), out id)
            && name.StartsWith(Folder(id), StringComparison.Ordinal)
            && (name.AsSpan(5 + MessageId.Length).SequenceEqual(PayloadSuffix) || name.AsSpan(5 + MessageId.Length).StartsWith(ResultInfix));
    }

    // A level of 65,536 folders by random digits keeps folders small whatever the number of messages.
    private static string Folder(MessageId id)
    {
        var text = id.ToString();
        return $"{text[^4..]}/{text}";
    }
}
