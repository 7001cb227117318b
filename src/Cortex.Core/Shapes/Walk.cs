using Cortex.Core.Specs;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>One pass of a shape over a node tree: gathers every error, and where everything stands.</summary>
/// <param name="fileName">The file's name, as the client gave it.</param>
/// <param name="api">What the errors say they are about; may be empty.</param>
/// <param name="variant">The kind that decides which fields apply; empty where shapes have no variants.</param>
internal sealed class Walk(string fileName, string api, string variant)
{
    /// <summary>Stands for a value that was refused, so that rules over several values can leave it out.</summary>
    public static readonly object Invalid = new();

    private readonly List<SpecError> _errors = [];
    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);

    public string Variant => variant;

    public IReadOnlyList<SpecError> Errors => _errors;

    /// <summary>Where each path that the file spells out stands.</summary>
    public IReadOnlyDictionary<string, Place> Places => _places;

    /// <summary>Remembers where a path stands.</summary>
    public Spot Visit(Spot spot)
    {
        _places[spot.Path] = spot.Place;
        return spot;
    }

    /// <summary>Records an error and gives back <see cref="Invalid"/>.</summary>
    public object Fail(Spot spot, string kind, string detail)
    {
        _errors.Add(new SpecError
        {
            Kind = kind,
            FileName = fileName,
            Line = spot.Place.Line,
            Column = spot.Place.Column,
            Api = api,
            Path = spot.Path,
            Detail = detail,
        });
        return Invalid;
    }
}
