namespace Cortex.EndToEnd.Tests.Guide;

/// <summary>How the commands of one page of the guide are run.</summary>
/// <param name="Page">The page, below <c>docs/guide</c>.</param>
internal sealed record GuideWalk(string Page)
{
    /// <summary>What a reader of the page has by then: files, images, APIs. A shell script; <c>api NAME KIND</c> and the like stand in <see cref="GuideFixture"/>.</summary>
    public string Before { get; init; } = "";

    /// <summary>What a reader puts in for what the page can't know, such as an id or his own address, and what keeps a command that never ends from doing so.</summary>
    public IReadOnlyList<(string Written, string Typed)> Edits { get; init; } = [];

    /// <summary>Commands that are not run here, by how their block begins, and why.</summary>
    public IReadOnlyList<(string Begins, string Why)> NotRun { get; init; } = [];
}
