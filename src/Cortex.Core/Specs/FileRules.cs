using System.Globalization;
using Cortex.Core.Errors;

namespace Cortex.Core.Specs;

/// <summary>Rules over all APIs of one file.</summary>
internal static class FileRules
{
    /// <summary>Names and endpoints are unique in the file, and no endpoint takes paths from another.</summary>
    public static IEnumerable<SpecError> Check(string fileName, ApiFile file)
    {
        var names = new Dictionary<string, DeclaredApi>(StringComparer.Ordinal);
        var endpoints = new Dictionary<string, DeclaredApi>(StringComparer.Ordinal);
        foreach (var api in file.Declared)
        {
            if (!names.TryAdd(api.Name, api))
            {
                yield return Error(fileName, file, api.Index, api.Name, ErrorKinds.DuplicateName, "name",
                    $"\"{api.Name}\" is the name of another API in {Where(file, names[api.Name], "name")}; every name must be unique");
            }
            else if (api.Endpoint is not null && !endpoints.TryAdd(api.Endpoint, api))
            {
                yield return Error(fileName, file, api.Index, api.Name, ErrorKinds.DuplicateEndpointInOneDeploy, "networking.endpoint",
                    $"{api.Endpoint} is the endpoint of another API in {Where(file, endpoints[api.Endpoint], "networking.endpoint")}; every endpoint must be unique");
            }
        }

        foreach (var api in endpoints.Values)
        {
            var owner = EndpointRule.Above(api.Endpoint!).Select(endpoints.GetValueOrDefault).FirstOrDefault(above => above is not null && EndpointRule.ServesBelow(above.Kind));
            if (owner is not null)
            {
                yield return Error(fileName, file, api.Index, api.Name, ErrorKinds.DuplicateEndpointInOneDeploy, "networking.endpoint",
                    $"{api.Endpoint} is below {owner.Endpoint}, the endpoint of {owner.Name} in {Where(file, owner, "networking.endpoint")}, which gets every path below it; choose another");
            }
        }
    }

    /// <summary>An error at a value of an API.</summary>
    public static SpecError Error(string fileName, ApiFile file, int index, string name, string kind, string path, string detail)
    {
        var place = file.Locate(index, path);
        return new SpecError { Kind = kind, FileName = fileName, Line = place.Line, Column = place.Column, Api = name, Path = path, Detail = detail };
    }

    private static string Where(ApiFile file, DeclaredApi api, string path) =>
        string.Create(CultureInfo.InvariantCulture, $"line {file.Locate(api.Index, path).Line} ({api.Name})");
}
