using System.Runtime.CompilerServices;
using Cortex.Core.Errors;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>The files of a job: those of each path in turn that match an include, when there are any, and no exclude.</summary>
internal sealed class FileLister
{
    private readonly IReadOnlyList<string> _paths;
    private readonly List<Glob> _includes;
    private readonly List<Glob> _excludes;
    private readonly SourceStorages _storages;

    /// <summary>Checks patterns and paths, in this order.</summary>
    /// <exception cref="CortexException">A pattern or a path is none, or is not allowed.</exception>
    public FileLister(IReadOnlyList<string> paths, IReadOnlyList<string> includes, IReadOnlyList<string> excludes, SourceStorages storages)
    {
        _paths = paths;
        _storages = storages;
        _includes = Parse("includes", includes);
        _excludes = Parse("excludes", excludes);
        foreach (var path in paths)
        {
            storages.Of(path).Check(path);
        }
    }

    /// <summary>The files from a place on. The file that the place is in comes first.</summary>
    /// <exception cref="CortexException">A path can't be listed, or the file that the place is in changed or is gone.</exception>
    public async IAsyncEnumerable<ListedFile> ListAsync(SourcePosition from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (from is { File: { } name, Offset: not null })
        {
            var file = await _storages.Of(name).FindAsync(name, cancellationToken) ?? throw SourceErrors.Gone(name);
            yield return file.Tag == from.Tag ? new ListedFile(from.Path, file) : throw SourceErrors.Changed(name);
        }

        for (var path = from.Path; path < _paths.Count; path++)
        {
            var after = path == from.Path ? from.File : null;
            await foreach (var file in _storages.Of(_paths[path]).ListAsync(_paths[path], after, cancellationToken))
            {
                if (Matches(file.Path))
                {
                    yield return new ListedFile(path, file);
                }
            }
        }
    }

    private static List<Glob> Parse(string field, IReadOnlyList<string> patterns) => [.. patterns.Select((pattern, index) =>
    {
        try
        {
            return Glob.Parse(pattern);
        }
        catch (FormatException exception)
        {
            throw new CortexException(BatchErrorKinds.Other, $"{field}: index {index}: \"{pattern}\" is no pattern: {exception.Message}", exception);
        }
    })];

    private bool Matches(string path) =>
        (_includes.Count == 0 || _includes.Any(glob => glob.IsMatch(path))) && !_excludes.Any(glob => glob.IsMatch(path));
}

/// <summary>A file of a job.</summary>
/// <param name="Path">Index of the path that led to it.</param>
/// <param name="File">The file.</param>
internal readonly record struct ListedFile(int Path, SourceFile File);
