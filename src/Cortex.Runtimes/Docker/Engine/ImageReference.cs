namespace Cortex.Runtimes.Docker.Engine;

/// <summary>An image reference taken apart as Docker does.</summary>
/// <param name="Registry">Host and port; <c>docker.io</c> when the reference names none.</param>
/// <param name="Repository">Everything before the tag or digest.</param>
/// <param name="TagOrDigest"><c>latest</c> when the reference has none.</param>
internal readonly record struct ImageReference(string Registry, string Repository, string TagOrDigest)
{
    public static ImageReference Parse(string image)
    {
        var slash = image.IndexOf('/', StringComparison.Ordinal);
        var first = slash > 0 ? image[..slash] : "";
        var registry = first.Contains('.', StringComparison.Ordinal) || first.Contains(':', StringComparison.Ordinal) || first == "localhost"
            ? first
            : "docker.io";
        var at = image.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
        {
            var name = image[..at];
            var tagInName = name.LastIndexOf(':');
            return new ImageReference(registry, tagInName > name.LastIndexOf('/') ? name[..tagInName] : name, image[(at + 1)..]);
        }

        var colon = image.LastIndexOf(':');
        return colon > image.LastIndexOf('/')
            ? new ImageReference(registry, image[..colon], image[(colon + 1)..])
            : new ImageReference(registry, image, "latest");
    }
}
