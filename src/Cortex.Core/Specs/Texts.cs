using System.Text.RegularExpressions;
using Cortex.Core.Errors;
using Cortex.Core.Shapes;
using Cortex.Core.Wire;

namespace Cortex.Core.Specs;

/// <summary>Strings with a form of their own.</summary>
internal static partial class Texts
{
    /// <summary>Any text that is not empty.</summary>
    public static readonly StringShape Any = new();

    /// <summary>Any text.</summary>
    public static readonly StringShape AnyOrEmpty = new() { AllowsEmpty = true };

    /// <summary>The name of an environment variable.</summary>
    public static readonly StringShape VariableName = new() { Pattern = WithoutEquals, PatternWords = "not hold =, which ends the name of a variable" };

    /// <summary>The value of an environment variable. What stands for a hidden one comes from an export and would be taken for the value itself.</summary>
    public static readonly StringShape VariableValue = new() { AllowsEmpty = true, Reserved = [EnvMask.Hidden], ReservedWords = "stands for a value that was not shown; show the configuration with --show-env" };

    /// <summary>The name of an API.</summary>
    public static readonly StringShape ApiName = new()
    {
        MaxLength = 42,
        ForbiddenPrefix = "b-",
        Pattern = Dns1035,
        PatternKind = ErrorKinds.Dns1035,
        PatternWords = Dns1035Words,
    };

    /// <summary>The name of a container.</summary>
    public static readonly StringShape ContainerName = new()
    {
        MaxLength = 63,
        Pattern = Dns1035,
        PatternKind = ErrorKinds.Dns1035,
        PatternWords = Dns1035Words,
        Reserved = ["dequeuer", "proxy"],
    };

    /// <summary>A reference to a container image.</summary>
    public static readonly StringShape Image = new()
    {
        MaxLength = 1024,
        Pattern = ImageReference,
        PatternKind = ErrorKinds.InvalidDockerImage,
        PatternWords = "be an image such as registry.example.com/team/app:1.2 (lower case before the tag)",
    };

    /// <summary>The name of a node group as an API selects it.</summary>
    public static readonly StringShape NodeGroupName = new()
    {
        Pattern = AlphaNumericDashUnderscore,
        PatternKind = ErrorKinds.AlphaNumericDashUnderscore,
        PatternWords = "only have letters, digits, dashes and underscores",
    };

    /// <summary>The name of a header or a cookie.</summary>
    public static readonly StringShape HttpToken = new()
    {
        MaxLength = 256,
        Pattern = Token,
        PatternWords = "be a name as HTTP has it: letters, digits and !#$%&'*+-.^_`|~",
    };

    private const string Dns1035Words = "only have lower-case letters, digits and dashes, start with a letter and end with a letter or a digit";

    [GeneratedRegex(@"^[a-z]([-a-z0-9]*[a-z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Dns1035 { get; }

    [GeneratedRegex(@"^[^=]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex WithoutEquals { get; }

    [GeneratedRegex(@"^[!#$%&'*+\-.^_`|~0-9a-zA-Z]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Token { get; }

    [GeneratedRegex(@"^[a-zA-Z0-9_\-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex AlphaNumericDashUnderscore { get; }

    // Docker's grammar: [registry[:port]/]path[:tag][@digest]. No two repetitions overlap, so that matching is linear.
    [GeneratedRegex(
        @"^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]+)?/)?" +
        @"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*" +
        @"(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?" +
        @"(@[A-Za-z][A-Za-z0-9]*([-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex ImageReference { get; }
}
