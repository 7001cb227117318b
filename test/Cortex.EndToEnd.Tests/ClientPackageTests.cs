using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Cortex.EndToEnd.Tests;

/// <summary>
/// The client's package as somebody else has it: a program of its own with every example of the documentation in it restores it from a folder, is
/// trimmed without a warning of the trimmer or of what compiling ahead needs, and works.
/// </summary>
public sealed partial class ClientPackageTests(LocalCluster cluster) : IClassFixture<LocalCluster>, IDisposable
{
    private static readonly TimeSpan _bound = TimeSpan.FromMinutes(5);
    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-package-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Package_InATrimmedProgramWithEveryExample_Works()
    {
        var package = Assert.Single(Directory.GetFiles(Path.Combine(Repository.Root, "artifacts"), "Cortex.Client.*.nupkg"));
        var version = Path.GetFileNameWithoutExtension(package)["Cortex.Client.".Length..];
        await File.WriteAllTextAsync(Path.Combine(_folder, "NuGet.config"), Sources);
        await File.WriteAllTextAsync(Path.Combine(_folder, "user.csproj"), Project(version));
        await File.WriteAllTextAsync(Path.Combine(_folder, "Program.cs"), Program);
        var examples = Examples("docs/guide/dotnet-client.md").Concat(Examples("src/Cortex.Client/README.md")).ToArray();
        Assert.True(examples.Length > 10, $"only {examples.Length} examples were found");
        for (var i = 0; i < examples.Length; i++)
        {
            await File.WriteAllTextAsync(Path.Combine(_folder, $"Example{i}.cs"), Wrap(examples[i], i));
        }

        var calls = Enumerable.Range(0, examples.Length).Where(i => !HasTypes(examples[i])).Select(i => $"        await Run{i}Async(client, image, token, cancellationToken);\n");
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "Examples.cs"),
            $"static partial class Examples\n{{\n    public static async Task RunAllAsync(Cortex.Client.CortexClient client, string image, string token, CancellationToken cancellationToken)\n    {{\n{string.Concat(calls)}    }}\n}}\n");

        await RunAsync("dotnet", "publish", _folder, "-c", "Release", "--self-contained", "-o", Path.Combine(_folder, "out"), "--nologo", "-v", "quiet");
        await cluster.DeployAsync(LocalCluster.Api("packaged"));

        Assert.Equal(
            ["packaged is a RealtimeAPI with 1 ready", $"cluster {cluster.Name}", "resources.api_not_deployed"],
            (await RunAsync(Path.Combine(_folder, "out", "user"))).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    // What the package needs besides comes from where the build of this repository has left it.
    private static string Sources => $"""
        <configuration>
          <packageSources><clear /><add key="here" value="{Path.Combine(Repository.Root, "artifacts")}" /></packageSources>
          <fallbackPackageFolders><clear /><add key="built" value="{Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages")}" /></fallbackPackageFolders>
          <config><add key="globalPackagesFolder" value="packages" /></config>
        </configuration>
        """;

    private static string Project(string version) => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <InvariantGlobalization>true</InvariantGlobalization>
            <PublishTrimmed>true</PublishTrimmed>
            <IsAotCompatible>true</IsAotCompatible>
            <TrimmerSingleWarn>false</TrimmerSingleWarn>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
            <NuGetAudit>false</NuGetAudit>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="Cortex.Client" Version="{version}" />
          </ItemGroup>
        </Project>
        """;

    // The examples are compiled, and kept by the trimmer, since they might be called; what is called works without a file of environments.
    private static string Program => """
        using Cortex.Client;
        using Cortex.Core.Errors;

        if (args.Length > 0)
        {
            await Examples.RunAllAsync(null!, args[0], args[0], default);
        }

        using var client = CortexClient.FromEnvironment();
        foreach (var api in await client.GetAsync())
        {
            Console.WriteLine($"{api.Metadata!.Name} is a {api.Metadata.Kind} with {api.Status!.Ready} ready");
        }

        Console.WriteLine($"cluster {(await client.InfoAsync()).ClusterConfig.GetProperty("cluster_name").GetString()}");
        try
        {
            await client.Requests("nothing").GetAsync("x");
        }
        catch (CortexException exception)
        {
            Console.WriteLine(exception.Kind);
        }
        """;

    private static IEnumerable<string> Examples(string page) =>
        CSharp().Matches(File.ReadAllText(Path.Combine(Repository.Root, page))).Select(match => match.Groups[1].Value);

    // Types stand in a file as they are; statements become a method, with what they presuppose as its arguments.
    private static string Wrap(string example, int number)
    {
        var usings = string.Concat(example.Split('\n').Where(IsUsing).Select(line => line + "\n"));
        var rest = string.Join('\n', example.Split('\n').Where(line => !IsUsing(line)));
        if (HasTypes(example))
        {
            return usings + rest;
        }

        var client = example.Contains("using var client", StringComparison.Ordinal) ? "given" : "client";
        return $$"""
            using Cortex.Client;
            {{usings.Replace("using Cortex.Client;\n", "", StringComparison.Ordinal)}}
            static partial class Examples
            {
                public static async Task Run{{number}}Async(CortexClient {{client}}, string image, string token, CancellationToken cancellationToken)
                {
            {{rest}}
                    await Task.CompletedTask;
                }
            }

            """;
    }

    private static bool HasTypes(string example) => example.Contains("JsonSerializerContext;", StringComparison.Ordinal);

    private static bool IsUsing(string line) => Using().IsMatch(line);

    private async Task<string> RunAsync(string file, params string[] args)
    {
        var start = new ProcessStartInfo(file, args) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        start.Environment["CORTEX_OPERATOR_ENDPOINT"] = $"http://{cluster.Address}:{cluster.OperatorPort}";
        start.Environment["CORTEX_TOKEN"] = (await File.ReadAllTextAsync(Path.Combine(cluster.DataDirectory, "token"))).Trim();
        start.Environment["CORTEX_CLI_CONFIG_DIR"] = _folder;

        // Else the build's own settings would get into the program's.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        using var process = Process.Start(start)!;
        using var bound = new CancellationTokenSource(_bound);
        var output = process.StandardOutput.ReadToEndAsync(bound.Token);
        var error = process.StandardError.ReadToEndAsync(bound.Token);
        await process.WaitForExitAsync(bound.Token);
        Assert.True(process.ExitCode == 0, $"{file} {string.Join(' ', args)} ended with {process.ExitCode}:\n{await output}\n{await error}");
        return await output;
    }

    [GeneratedRegex(@"^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharp();

    [GeneratedRegex(@"^using [\w.]+;$")]
    private static partial Regex Using();
}
