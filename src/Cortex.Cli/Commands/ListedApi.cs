using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>One row of a list. Not a tuple: lists of values are compiled at first use, lists of objects are not.</summary>
internal sealed record ListedApi(string Environment, ApiResponse Api);
