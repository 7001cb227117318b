using System.Globalization;
using System.Text;
using Cortex.Core.Errors;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Cortex.Client.Environments;

/// <summary>The text form of cli.yaml.</summary>
internal static class CliConfigYaml
{
    /// <exception cref="CortexException">It is not what a cli.yaml may say.</exception>
    public static CliConfig Parse(string text, string path)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException exception)
        {
            throw Invalid(path, exception.Start.Line, $"not valid YAML: {exception.Message}");
        }

        if (stream.Documents.Count == 0 || IsNull(stream.Documents[0].RootNode))
        {
            return new CliConfig();
        }

        var config = new CliConfig();
        foreach (var (key, value) in AsMapping(stream.Documents[0].RootNode, path).Children)
        {
            config = AsText(key, path) switch
            {
                "telemetry" => config with { Telemetry = value },
                "default_environment" => config with { DefaultEnvironment = IsNull(value) ? null : AsText(value, path) },
                "environments" => config with { Environments = IsNull(value) ? [] : ReadEnvironments(value, path) },
                var other => throw Invalid(path, key.Start.Line, $"\"{other}\" is not a key of this file; it has telemetry, default_environment and environments"),
            };
        }

        // Written by old versions, for which "local" was built in.
        return config.DefaultEnvironment == "local" && config.Find("local") is null ? config with { DefaultEnvironment = null } : config;
    }

    public static string Format(CliConfig config)
    {
        var root = new YamlMappingNode();
        if (config.Telemetry is not null)
        {
            root.Add("telemetry", config.Telemetry);
        }

        root.Add("default_environment", config.DefaultEnvironment is null ? new YamlScalarNode("null") : Text(config.DefaultEnvironment));
        var list = new YamlSequenceNode();
        foreach (var environment in config.Environments)
        {
            var entry = new YamlMappingNode { { "name", Text(environment.Name) }, { "operator_endpoint", Text(environment.OperatorEndpoint) } };
            if (environment.Token is not null)
            {
                entry.Add("token", Text(environment.Token));
            }

            if (environment.Certificate is not null)
            {
                entry.Add("certificate", new YamlScalarNode(environment.Certificate) { Style = ScalarStyle.Literal });
            }

            if (environment.Insecure)
            {
                entry.Add("insecure", "true");
            }

            foreach (var (key, value) in environment.OtherKeys)
            {
                entry.Add(key, value);
            }

            list.Add(entry);
        }

        root.Add("environments", list);
        var text = new StringBuilder();
        using (var writer = new StringWriter(text, CultureInfo.InvariantCulture) { NewLine = "\n" })
        {
            new YamlStream(new YamlDocument(root)).Save(new ImplicitEnd(new Emitter(writer)), assignAnchors: false);
        }

        return text.ToString();
    }

    private static CortexEnvironment[] ReadEnvironments(YamlNode node, string path)
    {
        if (node is not YamlSequenceNode list)
        {
            throw Invalid(path, node.Start.Line, "environments must be a list");
        }

        var environments = list.Children.Select(item => ReadEnvironment(AsMapping(item, path), path)).ToArray();
        var twice = environments.GroupBy(environment => environment.Name).FirstOrDefault(group => group.Count() > 1);
        return twice is null ? environments : throw Invalid(path, node.Start.Line, $"there are two environments named \"{twice.Key}\"");
    }

    private static CortexEnvironment ReadEnvironment(YamlMappingNode node, string path)
    {
        string? name = null, endpoint = null, token = null, certificate = null;
        var insecure = false;
        var others = new List<KeyValuePair<YamlNode, YamlNode>>();
        foreach (var (key, value) in node.Children)
        {
            switch (AsText(key, path))
            {
                case "name":
                    name = AsText(value, path);
                    break;
                case "operator_endpoint":
                    endpoint = AsText(value, path);
                    break;
                case "token":
                    token = IsNull(value) ? null : AsText(value, path);
                    break;
                case "certificate":
                    certificate = IsNull(value) ? null : AsText(value, path);
                    break;
                case "insecure":
                    insecure = AsText(value, path) switch
                    {
                        "true" => true,
                        "false" or "" or "null" => false,
                        var other => throw Invalid(path, value.Start.Line, $"insecure is true or false, not \"{other}\""),
                    };
                    break;
                case "provider":
                    CheckProvider(IsNull(value) ? "" : AsText(value, path), name);
                    others.Add(new(key, value));
                    break;
                default:
                    others.Add(new(key, value));
                    break;
            }
        }

        if (name is not { Length: > 0 and <= CortexEnvironment.LongestName })
        {
            throw Invalid(path, node.Start.Line, $"an environment needs a name of 1 to {CortexEnvironment.LongestName} characters");
        }

        return endpoint is { Length: > 0 }
            ? new CortexEnvironment { Name = name, OperatorEndpoint = OperatorEndpoint.Normalize(endpoint), Token = token, Certificate = certificate, Insecure = insecure, OtherKeys = others }
            : throw new CortexException("cli.field_not_found_in_environment", $"{path}:{node.Start.Line}: the environment \"{name}\" has no operator_endpoint; run `cortex env configure {name}`");
    }

    private static void CheckProvider(string provider, string? environment)
    {
        switch (provider)
        {
            case "" or "aws":
                return;
            case "gcp" or "local":
                throw new CortexException("cli.invalid_legacy_provider", $"the environment {environment} was made for the provider \"{provider}\", which is no longer supported; remove it with `cortex env delete` or from cli.yaml");
            default:
                throw new CortexException("cli.invalid_provider", $"\"{provider}\" is not a provider; remove that line of the environment {environment} from cli.yaml");
        }
    }

    private static YamlMappingNode AsMapping(YamlNode node, string path) =>
        node as YamlMappingNode ?? throw Invalid(path, node.Start.Line, "a map of keys and values is expected here");

    private static string AsText(YamlNode node, string path) =>
        (node as YamlScalarNode)?.Value ?? throw Invalid(path, node.Start.Line, "a text is expected here");

    private static bool IsNull(YamlNode node) => node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "null" or "~" or "Null" or "NULL" };

    // Quoted, since a name or token of digits only must stay a text for every reader.
    private static YamlScalarNode Text(string value) =>
        new(value) { Style = value.Length > 0 && char.IsAsciiLetter(value[0]) && value is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off") ? ScalarStyle.Any : ScalarStyle.DoubleQuoted };

    private static CortexException Invalid(string path, long line, string detail) =>
        new("error", $"{path}:{line}: {detail}");

    // YamlStream ends its documents with "...", which nobody writes by hand.
    private sealed class ImplicitEnd(IEmitter inner) : IEmitter
    {
        public void Emit(ParsingEvent @event) => inner.Emit(@event is DocumentEnd ? new DocumentEnd(isImplicit: true) : @event);
    }
}
