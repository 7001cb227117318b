using YamlDotNet.RepresentationModel;

namespace Cortex.Client.Environments;

/// <summary>What cli.yaml says.</summary>
internal sealed record CliConfig
{
    /// <summary>The environment that is used when none is named; null when there is none.</summary>
    public string? DefaultEnvironment { get; init; }

    /// <summary>In the order of the file; names are unique.</summary>
    public IReadOnlyList<CortexEnvironment> Environments { get; init; } = [];

    /// <summary>The user's telemetry setting, kept as written; nothing is ever sent.</summary>
    public YamlNode? Telemetry { get; init; }

    public CortexEnvironment? Find(string name) => Environments.FirstOrDefault(environment => environment.Name == name);

    /// <summary>Adds an environment or replaces the one of the same name, whose other keys it keeps.</summary>
    public CliConfig With(CortexEnvironment environment) => Find(environment.Name) is { } old
        ? this with { Environments = [.. Environments.Select(each => each == old ? environment with { OtherKeys = old.OtherKeys } : each)] }
        : this with { Environments = [.. Environments, environment] };

    /// <summary>Removes environments. When one remains and the default is gone, that one becomes the default.</summary>
    public CliConfig Without(IReadOnlyCollection<string> names)
    {
        var rest = Environments.Where(environment => !names.Contains(environment.Name)).ToArray();
        var keepsDefault = DefaultEnvironment is { } current && !names.Contains(current);
        return this with { Environments = rest, DefaultEnvironment = keepsDefault ? DefaultEnvironment : rest is [var only] ? only.Name : null };
    }
}
