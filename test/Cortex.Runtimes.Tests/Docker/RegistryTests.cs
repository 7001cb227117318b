using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Cortex.Runtimes.Docker;

namespace Cortex.Runtimes.Tests.Docker;

/// <summary>Pulls from a real registry that asks for a password.</summary>
public sealed class RegistryTests : IAsyncLifetime
{
    private const string User = "me";
    private const string Password = "secret:with-colon";

    private readonly DockerCluster _cluster = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("registry-").FullName;
    private readonly List<string> _images = [];
    private Process? _registry;
    private string _host = "";

    private string Auths => $$"""{"auths": {"{{_host}}": {"auth": "{{Base64($"{User}:{Password}")}}" } } }""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _host = $"127.0.0.1:{FreePort.Find()}";
        var passwords = await RunAsync("htpasswd", "apache2-utils", "-Bbn", User, Password);
        await File.WriteAllTextAsync(Path.Combine(_folder, "htpasswd"), passwords, Cancel);
        await File.WriteAllTextAsync(Path.Combine(_folder, "config.yml"), $$"""
            version: 0.1
            log: {level: error, accesslog: {disabled: true} }
            storage: {filesystem: {rootdirectory: "{{_folder}}/data" } }
            http: {addr: "{{_host}}"}
            auth: {htpasswd: {realm: tests, path: "{{_folder}}/htpasswd" } }
            """, Cancel);
        _registry = Launch("docker-registry", "docker-registry", "serve", Path.Combine(_folder, "config.yml"));
        using var http = new HttpClient();
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                using var answer = await http.GetAsync($"http://{_host}/v2/", Cancel);
                return answer.StatusCode is HttpStatusCode.Unauthorized;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "the registry answers");
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await using (var engine = new DockerCluster())
        {
            await engine.Engine.ConnectAsync(CancellationToken.None);
            foreach (var image in _images)
            {
                await engine.Engine.RemoveImageAsync(image, CancellationToken.None);
            }
        }

        _registry?.Kill();
        _registry?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task CreateAsync_ImageInARegistry_IsPulledWithTheConfiguredPassword()
    {
        var image = await PushAsync("team/pulled:1");
        var config = await ConfigAsync(Auths);
        var runtime = await _cluster.OpenAsync(o => o.DockerConfigPath = config);

        await Task.WhenAll(Enumerable.Range(0, 3).Select(i => runtime.CreateAsync(Pod($"web-{i}", image), Cancel)));

        await Task.WhenAll(Enumerable.Range(0, 3).Select(i => runtime.UntilAsync($"web-{i}", PodState.Ready)));
    }

    [Fact]
    public async Task CreateAsync_CredentialHelper_IsAsked()
    {
        var image = await PushAsync("team/helped:1");
        var helper = Path.Combine(_folder, "docker-credential-cortextest");
        await File.WriteAllTextAsync(helper, $$"""
            #!/bin/sh
            read -r host
            [ "$1 $host" = "get {{_host}}" ] || { echo "credentials not found in native keychain"; exit 1; }
            echo '{"ServerURL": "{{_host}}", "Username": "{{User}}", "Secret": "{{Password}}"}'
            """, Cancel);
        await RunAsync("chmod", "coreutils", "+x", helper);
        Environment.SetEnvironmentVariable("PATH", $"{Environment.GetEnvironmentVariable("PATH")}:{_folder}");
        var config = await ConfigAsync($$"""{"credHelpers": {"{{_host}}": "cortextest" } }""");
        var runtime = await _cluster.OpenAsync(o => o.DockerConfigPath = config);

        await runtime.CreateAsync(Pod("web", image), Cancel);

        await runtime.UntilAsync("web", PodState.Ready);
    }

    [Theory]
    [InlineData("""{"auths": {}}""", "no basic auth credentials")]
    [InlineData("""{"auths": {"HOST": {"auth": "bWU6d3Jvbmc="}}}""", "unauthorized")]
    [InlineData("""{"credsStore": "nowhere"}""", "docker-credential-nowhere")]
    [InlineData("""{"auths": """, "can't read registry credentials")]
    public async Task CreateAsync_CredentialsAreMissingOrWrong_ShowsWhy(string json, string expected)
    {
        var config = await ConfigAsync(json.Replace("HOST", _host, StringComparison.Ordinal));
        var runtime = await _cluster.OpenAsync(o => o.DockerConfigPath = config);

        await runtime.CreateAsync(Pod("web", $"{_host}/team/secret:1"), Cancel);

        var pod = await runtime.UntilAsync("web", PodState.ErrImagePull);
        Assert.Contains(expected, pod.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_ImageComesLater_IsPulledThen()
    {
        var config = await ConfigAsync(Auths);
        var runtime = await _cluster.OpenAsync(o =>
        {
            o.DockerConfigPath = config;
            o.PullRetryFirst = TimeSpan.FromMilliseconds(200);
        });
        await runtime.CreateAsync(Pod("web", $"{_host}/team/late:1"), Cancel);
        var pod = await runtime.UntilAsync("web", PodState.ErrImagePull);
        Assert.Contains("manifest unknown", pod.Reason, StringComparison.Ordinal);

        await PushAsync("team/late:1");

        await runtime.UntilAsync("web", PodState.Ready);
    }

    private static PodDefinition Pod(string id, string image) => DockerPods.Pod(id, DockerPods.Shell("one", DockerPods.Idle) with { Image = image });

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private async Task<string> ConfigAsync(string json)
    {
        var path = Path.Combine(_folder, $"{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(path, json, Cancel);
        return path;
    }

    /// <summary>Puts an image into the registry and takes it from this machine.</summary>
    private async Task<string> PushAsync(string name)
    {
        var image = $"{_host}/{name}";
        _images.Add(image);
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "docker")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "config.json"),
            Auths, Cancel);
        var version = await _cluster.Engine.ConnectAsync(Cancel);
        await _cluster.Engine.LoadImageAsync(TestImage.Archive(image, version.Arch, content: name), Cancel);
        await RunAsync("docker", "docker.io", "--config", folder, "push", image);
        await _cluster.Engine.RemoveImageAsync(image, Cancel);
        return image;
    }

    private static async Task<string> RunAsync(string program, string package, params string[] arguments)
    {
        using var process = Launch(program, package, arguments);
        var output = await process.StandardOutput.ReadToEndAsync(Cancel);
        var errors = await process.StandardError.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        Assert.True(process.ExitCode == 0, $"{program} failed: {errors}");
        return output;
    }

    private static Process Launch(string program, string package, params string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Fail($"{program} is missing: run test/prepare.sh, or apt-get install {package}");
            throw;
        }
    }
}
