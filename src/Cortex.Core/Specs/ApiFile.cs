using Cortex.Core.Yaml;

namespace Cortex.Core.Specs;

/// <summary>What a configuration file says: its APIs, or every reason why it is not valid.</summary>
/// <param name="Apis">The APIs that are valid for themselves, in file order; all of them when there are no errors.</param>
/// <param name="Errors">In file order; empty when the file is valid.</param>
public sealed record ApiFile(IReadOnlyList<ApiSpec> Apis, IReadOnlyList<SpecError> Errors)
{
    /// <summary>A file that says only this, for a specification that is checked again without its text: errors have no line.</summary>
    public static ApiFile Of(ApiSpec api) => new([api], []) { Declared = [new DeclaredApi(api.Index, api.Name, api.Kind, api.Networking.Endpoint)] };

    /// <summary>Whether every API in it may be deployed, as far as the file alone can tell.</summary>
    public bool IsValid => Errors.Count == 0;

    /// <summary>Every API whose name and kind are valid, whatever else is wrong with it.</summary>
    internal IReadOnlyList<DeclaredApi> Declared { get; init; } = [];

    /// <summary>Where each path that an API spells out stands, by the API's index.</summary>
    internal IReadOnlyDictionary<int, IReadOnlyDictionary<string, Place>> Places { get; init; } = new Dictionary<int, IReadOnlyDictionary<string, Place>>();

    /// <summary>Where a value stands; when the file does not spell it out, where the nearest map around it stands.</summary>
    internal Place Locate(int index, string path)
    {
        if (!Places.TryGetValue(index, out var places))
        {
            return default;
        }

        for (var part = path; ; part = part[..Math.Max(0, part.LastIndexOfAny(['.', '[']))])
        {
            if (places.TryGetValue(part, out var place) || part.Length == 0)
            {
                return place;
            }
        }
    }
}

/// <summary>What other APIs need to know of one, even when it is not valid.</summary>
/// <param name="Index">Its position in the file.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Endpoint">Its endpoint; null when that is not valid.</param>
internal sealed record DeclaredApi(int Index, string Name, ApiKind Kind, string? Endpoint);
