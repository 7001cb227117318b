using System.Text;

namespace Cortex.Queues.Blobs;

/// <summary>What a blob store bears to tell whose it is: the cluster's id and, in a second line, its label. Its name can't be a blob's.</summary>
internal static class OwnerMark
{
    /// <summary>Name of the file or object.</summary>
    public const string Name = ".cluster";

    /// <summary>The longest mark that is read.</summary>
    public const int MaxLength = 4096;

    public static byte[] Write(ClusterIdentity cluster) => Encoding.UTF8.GetBytes($"{cluster.Id}\n{cluster.Label}\n");

    public static (string? Id, string? Label) Read(ReadOnlySpan<byte> bytes)
    {
        var lines = Encoding.UTF8.GetString(bytes).Split('\n');
        return lines[0].Length == 0 ? (null, null) : (lines[0], lines.Length > 1 ? lines[1] : null);
    }
}
