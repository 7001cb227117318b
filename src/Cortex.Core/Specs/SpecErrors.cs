using Cortex.Core.Yaml;

namespace Cortex.Core.Specs;

/// <summary>Lists of errors.</summary>
internal static class SpecErrors
{
    /// <summary>The errors by place; over the limit the last one only says how many more there are.</summary>
    public static IReadOnlyList<SpecError> InFileOrder(IReadOnlyList<SpecError> errors)
    {
        var ordered = errors.OrderBy(error => error.Line).ThenBy(error => error.Column).ToList();
        if (ordered.Count <= YamlLimits.Errors)
        {
            return ordered;
        }

        var first = ordered[YamlLimits.Errors];
        var rest = new SpecError { Kind = first.Kind, FileName = first.FileName, Detail = $"there are {ordered.Count - YamlLimits.Errors} more errors" };
        return [.. ordered.Take(YamlLimits.Errors), rest];
    }
}
