using Cortex.Client.Environments;
using Cortex.Core.Errors;

namespace Cortex.Client.Tests.Environments;

public sealed class CliConfigTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("cortex-client-").FullName;

    private CliConfigStore Store => new(Path.Combine(_root, "config"));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("null\n")]
    [InlineData("{}\n")]
    [InlineData("environments: null\ndefault_environment: null\n")]
    [InlineData("default_environment: local\nenvironments: []\n")]
    public void Parse_NothingConfigured_IsEmpty(string text)
    {
        var config = CliConfigYaml.Parse(text, "cli.yaml");

        Assert.Empty(config.Environments);
        Assert.Null(config.DefaultEnvironment);
    }

    [Theory]
    [InlineData("example.com", "https://example.com")]
    [InlineData("example.com:8888/", "https://example.com:8888")]
    [InlineData("http://example.com", "http://example.com")]
    [InlineData("127.0.0.1:8888", "http://127.0.0.1:8888")]
    [InlineData("localhost:8888", "http://localhost:8888")]
    [InlineData("[::1]:8888", "http://[::1]:8888")]
    [InlineData("https://127.0.0.1", "https://127.0.0.1")]
    public void Normalize_Endpoint_HasAScheme(string written, string expected) => Assert.Equal(expected, OperatorEndpoint.Normalize(written));

    [Theory]
    [InlineData("")]
    [InlineData("ftp://example.com")]
    [InlineData("http://")]
    [InlineData("a b")]
    public void Normalize_NoAddress_SaysSo(string written) =>
        Assert.Equal("cli.invalid_operator_endpoint", Assert.Throws<CortexException>(() => OperatorEndpoint.Normalize(written)).Kind);

    [Theory]
    [InlineData("bogus: 1\n", "cli.yaml:1: \"bogus\" is not a key")]
    [InlineData("environments:\n- name: a\n  operator_endpoint: x\n- name: a\n  operator_endpoint: y\n", "two environments named \"a\"")]
    [InlineData("environments:\n- operator_endpoint: x\n", "cli.yaml:2: an environment needs a name")]
    [InlineData("environments:\n- name: a\n", "no operator_endpoint")]
    [InlineData("environments:\n- name: a\n  provider: gcp\n  operator_endpoint: x\n", "no longer supported")]
    [InlineData("environments:\n- name: a\n  provider: moon\n  operator_endpoint: x\n", "is not a provider")]
    [InlineData("environments: [\n", "not valid YAML")]
    [InlineData("environments: 3\n", "must be a list")]
    [InlineData("- a\n", "a map of keys")]
    public void Parse_Invalid_SaysWhatAndWhere(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<CortexException>(() => CliConfigYaml.Parse(text, "cli.yaml")).Message, StringComparison.Ordinal);

    [Fact]
    public void Parse_FileOfAContainer_NamesItsOperatorAndToken()
    {
        var config = CliConfigYaml.Parse("""
            default_environment: default
            environments:
              - name: default
                operator_endpoint: http://operator.default.svc.cluster.local:8888
                token: cortex-api.train.0123

            """, "cli.yaml");

        var environment = Assert.Single(config.Environments);
        Assert.Equal(
            ("default", "default", "http://operator.default.svc.cluster.local:8888", "cortex-api.train.0123"),
            (config.DefaultEnvironment, environment.Name, environment.OperatorEndpoint, environment.Token));
    }

    [Fact]
    public void Format_OtherKeysAndTelemetry_AreKept()
    {
        const string text = "telemetry: false\ndefault_environment: prod\nenvironments:\n- name: prod\n  operator_endpoint: https://x.test\n  token: secret\n  provider: aws\n  extra:\n    a: [1, 2]\n";

        var again = CliConfigYaml.Format(CliConfigYaml.Parse(text, "cli.yaml"));

        Assert.Equal(text, again.Replace("\r", "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("1e5")]
    [InlineData("null")]
    [InlineData("007")]
    [InlineData("a: b")]
    [InlineData("yes")]
    public void Format_AwkwardTexts_ReadBackTheSame(string text)
    {
        var config = new CliConfig { DefaultEnvironment = text, Environments = [new CortexEnvironment { Name = text, OperatorEndpoint = "http://x.test", Token = text }] };

        var again = CliConfigYaml.Parse(CliConfigYaml.Format(config), "cli.yaml");

        Assert.Equal(text, again.DefaultEnvironment);
        Assert.Equal((text, text), (again.Environments[0].Name, again.Environments[0].Token));
    }

    [Fact]
    public void Save_File_IsOnlyForItsOwner()
    {
        Store.Save(new CliConfig());

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Store.FilePath));
        Assert.Equal([Store.FilePath], Directory.GetFiles(Store.Directory));
    }

    [Fact]
    public void Save_OldFileThatOthersCouldRead_IsClosedToThem()
    {
        Directory.CreateDirectory(Store.Directory);
        File.WriteAllText(Store.FilePath, "");
        File.SetUnixFileMode(Store.FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        Store.Save(new CliConfig());

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Store.FilePath));
    }

    [Fact]
    public void Load_FileIsAFolder_IsAnErrorOfOurs()
    {
        Directory.CreateDirectory(Store.FilePath);

        Assert.Contains(Store.FilePath, Assert.Throws<CortexException>(() => Store.Load()).Message, StringComparison.Ordinal);
    }
}
