using System.Text.RegularExpressions;
using Cortex.Core.Errors;
using Cortex.Core.Shapes;

namespace Cortex.Core.Clusters;

/// <summary>Strings of the cluster configuration with a form of their own.</summary>
internal static partial class ClusterTexts
{
    public static readonly StringShape ClusterName = new()
    {
        MinLength = 3,
        MaxLength = 54,
        Pattern = StrictName,
        PatternKind = ErrorKinds.DidNotMatchStrictS3Regex,
        PatternWords = "only have lower-case letters, digits and single dashes between them",
    };

    public static readonly StringShape NodeGroupName = new()
    {
        MaxLength = 26,
        Pattern = GroupName,
        PatternKind = ErrorKinds.AlphaNumericDashUnderscore,
        PatternWords = "only have letters, digits and dashes, and not end with a dash",
    };

    public static readonly StringShape TagName = Tag(127);

    public static readonly StringShape TagValue = Tag(255);

    public static readonly StringShape DockerHost = new()
    {
        Pattern = UnixAddress,
        PatternWords = "be unix:// and the absolute path of a socket, such as unix:///var/run/docker.sock",
    };

    public static readonly StringShape ListenHost = new()
    {
        MaxLength = 253,
        Pattern = Host,
        PatternWords = "be an IP address or a host name, without a port",
    };

    public static readonly StringShape HttpAddress = new()
    {
        MaxLength = 2048,
        Pattern = HttpUrl,
        PatternWords = "be a URL such as https://s3.example.com:9000, without a path",
    };

    public static readonly StringShape Bucket = new()
    {
        MinLength = 3,
        MaxLength = 63,
        Pattern = BucketName,
        PatternWords = "only have lower-case letters, digits, dots and dashes, and begin and end with a letter or a digit",
    };

    public static readonly StringShape BucketPrefix = new()
    {
        MinLength = 3,
        MaxLength = 1100,
        Pattern = BucketAndPrefix,
        PatternWords = "be the name of a bucket, alone or with a slash and what objects' names begin with, such as data or data/public/, and without s3://",
    };

    public static readonly StringShape ObjectPrefix = new()
    {
        AllowsEmpty = true,
        MaxLength = 512,
        Pattern = ObjectName,
        PatternWords = "only have letters, digits and _ - . /, and not begin with a slash",
    };

    public static readonly StringShape CallbackTarget = new()
    {
        MaxLength = 253,
        Pattern = Target,
        PatternWords = "be a host name, an IP address or a network such as 10.1.0.0/16, with a port or without (an IPv6 address with a port is in brackets), and without scheme",
    };

    public static readonly StringShape Folder = new()
    {
        MaxLength = 4096,
        Pattern = AbsolutePath,
        PatternWords = "be the absolute path of a folder, such as /data",
    };

    public static readonly StringShape SourceHost = new()
    {
        MaxLength = 253,
        Pattern = HostOrAny,
        PatternWords = "be a host name or an IP address, with a port or without (an IPv6 address with a port is in brackets), or * alone, and without scheme",
    };

    public static readonly StringShape AllowedHost = new()
    {
        MaxLength = 253,
        Pattern = HostsBelow,
        PatternWords = "be a host name such as api.example.com or *.example.com, or *, without scheme and port",
    };

    private static StringShape Tag(int maxLength) => new()
    {
        MaxLength = maxLength,
        Pattern = TagText,
        PatternWords = "only have letters, digits, spaces and _ - . : / + @",
    };

    [GeneratedRegex(@"^[a-z0-9]+(-[a-z0-9]+)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex StrictName { get; }

    [GeneratedRegex(@"^[a-zA-Z0-9\-]*[a-zA-Z0-9]\z", RegexOptions.CultureInvariant)]
    private static partial Regex GroupName { get; }

    [GeneratedRegex(@"^[ a-zA-Z0-9_\-\.:/+@]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex TagText { get; }

    [GeneratedRegex(@"^unix:///[^\s]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex UnixAddress { get; }

    [GeneratedRegex(@"^https?://[a-zA-Z0-9.\-\[\]:]+/?\z", RegexOptions.CultureInvariant)]
    private static partial Regex HttpUrl { get; }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9.\-]*[a-z0-9]\z", RegexOptions.CultureInvariant)]
    private static partial Regex BucketName { get; }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9.\-]*[a-z0-9](/[^\x00-\x1f]*)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex BucketAndPrefix { get; }

    [GeneratedRegex(@"^([a-zA-Z0-9_.\-][a-zA-Z0-9_./\-]*)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex ObjectName { get; }

    // An address or network of IPv6 has more than one colon when there are no brackets.
    [GeneratedRegex(@"^(([a-zA-Z0-9._\-]+|[0-9.]+/[0-9]{1,2}|\[[0-9a-fA-F:.]+(/[0-9]{1,3})?\])(:[0-9]{1,5})?|[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*(/[0-9]{1,3})?)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Target { get; }

    [GeneratedRegex(@"^/[^\x00]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex AbsolutePath { get; }

    [GeneratedRegex(@"^(\*|([a-zA-Z0-9._\-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?|[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*)\z", RegexOptions.CultureInvariant)]
    private static partial Regex HostOrAny { get; }

    [GeneratedRegex(@"^(\*|(\*\.)?[a-zA-Z0-9_\-]+(\.[a-zA-Z0-9_\-]+)*)\z", RegexOptions.CultureInvariant)]
    private static partial Regex HostsBelow { get; }

    [GeneratedRegex(@"^([a-zA-Z0-9.\-]+|[0-9a-fA-F:.]+|\[[0-9a-fA-F:.]+\])\z", RegexOptions.CultureInvariant)]
    private static partial Regex Host { get; }
}
