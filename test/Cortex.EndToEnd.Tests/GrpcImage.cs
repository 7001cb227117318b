using System.Runtime.InteropServices;

namespace Cortex.EndToEnd.Tests;

/// <summary>An image with the gRPC server of test/images/grpc and the .NET runtime that runs these tests, made here so that no registry is needed.</summary>
internal static class GrpcImage
{
    public const string Name = "cortex-e2e-grpc:1";
    private static readonly Lazy<Task> _built = new(BuildAsync);

    public static Task EnsureAsync() => _built.Value;

    private static async Task BuildAsync()
    {
        var context = Directory.CreateTempSubdirectory("cortex-e2e-grpc-");
        try
        {
            var root = context.CreateSubdirectory("root");
            root.CreateSubdirectory("tmp");
            var app = root.CreateSubdirectory("app");
            foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory).Where(IsOfServer))
            {
                File.Copy(file, Path.Combine(app.FullName, Path.GetFileName(file)));
            }

            await CopyRuntimeAsync(root);
            await File.WriteAllTextAsync(Path.Combine(context.FullName, "Dockerfile"), """
                FROM scratch
                COPY root /
                ENV DOTNET_EnableDiagnostics=0 DOTNET_gcServer=0 APP_VERSION=1
                CMD ["/dotnet/dotnet", "/app/Cortex.GrpcServer.dll"]

                """);
            await Shell.RunAsync("docker", "build", "-q", "-t", Name, context.FullName);
        }
        finally
        {
            context.Delete(recursive: true);
        }
    }

    private static bool IsOfServer(string file) =>
        Path.GetFileName(file) is var name
        && (name.StartsWith("Cortex.GrpcServer.", StringComparison.Ordinal) || name.StartsWith("Grpc.", StringComparison.Ordinal) || name.StartsWith("Google.Protobuf", StringComparison.Ordinal));

    /// <summary>Copies the runtime, and the libraries of the system that it loads.</summary>
    private static async Task CopyRuntimeAsync(DirectoryInfo root)
    {
        var core = RuntimeEnvironment.GetRuntimeDirectory().TrimEnd('/');   // .../shared/Microsoft.NETCore.App/10.0.0
        var version = Path.GetFileName(core);
        var home = Path.GetFullPath(Path.Combine(core, "../../.."));
        var there = root.CreateSubdirectory("dotnet").FullName;
        File.Copy(Path.Combine(home, "dotnet"), Path.Combine(there, "dotnet"));
        HashSet<string> libraries = [];
        foreach (var part in new[] { $"host/fxr/{version}", $"shared/Microsoft.NETCore.App/{version}", $"shared/Microsoft.AspNetCore.App/{version}" })
        {
            var from = Path.Combine(home, part);
            Directory.CreateDirectory(Path.Combine(there, part));
            foreach (var file in Directory.EnumerateFiles(from))
            {
                File.Copy(file, Path.Combine(there, part, Path.GetFileName(file)));
                if (file.EndsWith(".so", StringComparison.Ordinal))
                {
                    await AddLibrariesAsync(file, libraries);
                }
            }
        }

        await AddLibrariesAsync(Path.Combine(home, "dotnet"), libraries);
        foreach (var library in libraries)
        {
            var path = Path.Join(root.FullName, library);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(library, path);
        }
    }

    /// <summary>Adds what the loader would load with a file: the paths that ldd prints.</summary>
    private static async Task AddLibrariesAsync(string file, HashSet<string> libraries)
    {
        foreach (var line in await Shell.LinesAsync("ldd", [file]))
        {
            var path = line.Split("=>")[^1].Trim().Split(' ')[0];
            if (path.StartsWith('/') && !path.StartsWith("/usr/share/", StringComparison.Ordinal) && File.Exists(path) && !path.Contains("/dotnet/", StringComparison.Ordinal))
            {
                libraries.Add(path);
            }
        }
    }
}
