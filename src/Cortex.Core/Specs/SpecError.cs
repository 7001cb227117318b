namespace Cortex.Core.Specs;

/// <summary>One thing that is wrong in a configuration file.</summary>
public sealed record SpecError
{
    /// <summary>The error kind of the contract, such as <c>configreader.unsupported_key</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The file's name as the client gave it.</summary>
    public required string FileName { get; init; }

    /// <summary>One-based line; 0 when the error has no place.</summary>
    public int Line { get; init; }

    /// <summary>One-based column; 0 when the error has no place.</summary>
    public int Column { get; init; }

    /// <summary>The API's name, or <c>resource at index N</c>; empty when the error concerns the file.</summary>
    public string Api { get; init; } = "";

    /// <summary>Where in the API, such as <c>pod.containers[0].compute.cpu</c>; empty for the API itself.</summary>
    public string Path { get; init; } = "";

    /// <summary>What is wrong and what would be right.</summary>
    public required string Detail { get; init; }

    /// <summary>The whole as one line: <c>hello.yaml:12:9: hello-world: pod.port: ...</c>. Only a detail with a table brings more lines.</summary>
    public override string ToString()
    {
        var place = Line > 0 ? $"{FileName}:{Line}:{Column}" : FileName;
        return string.Join(": ", new[] { place, Api, Path, Detail }.Where(part => part.Length > 0));
    }
}
