using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>
/// The image of the container that holds a pod's network namespace: two static programs, of which one sleeps for ever and the other makes
/// <see cref="MetadataGuard"/>'s rules before it does. It is made here, byte by byte, so that nothing has to be pulled.
/// </summary>
internal static class InfraImage
{
    /// <summary>The number grows when the image's content changes.</summary>
    public const string Name = "cortex/infra:2";

    /// <summary>It and what earlier versions made.</summary>
    public static IReadOnlyList<string> AllNames { get; } = [Name, "cortex/infra:1"];

    /// <summary>The program that only sleeps, which is the image's entry point.</summary>
    public const string Pause = "/pause";

    /// <summary>The program that makes the rules first; it needs NET_ADMIN.</summary>
    public const string Guard = "/guard";

    /// <summary>Makes the image known to the engine. Repeatable: the same content gets the same id.</summary>
    /// <exception cref="PlatformNotSupportedException">The engine runs on another processor than we have a program for.</exception>
    public static async Task EnsureAsync(DockerEngine engine, string arch, CancellationToken cancellationToken)
    {
        if (!await engine.ImageExistsAsync(Name, cancellationToken))
        {
            await engine.LoadImageAsync(Archive(arch), cancellationToken);
        }
    }

    /// <summary>The image in the format of <c>docker save</c>.</summary>
    public static byte[] Archive(string arch) => ImageArchive.Make(Name, arch, [Pause], root =>
    {
        foreach (var (path, code) in new[] { (Pause, SleepCode(arch)), (Guard, MetadataGuard.Code(arch)) })
        {
            using var program = new MemoryStream(ElfProgram.Make(arch, code));
            ImageArchive.Add(root, path.TrimStart('/'), program, executable: true);
        }
    });

    private static byte[] SleepCode(string arch) => arch switch
    {
        // mov eax, SYS_pause; syscall; jmp back
        "amd64" => Convert.FromHexString("B8220000000F05EBF7"),
        // mov x0..x3, 0; mov x8, SYS_ppoll; svc 0; b back (there is no pause on arm64)
        "arm64" => ElfProgram.Arm(0xD2800000, 0xD2800001, 0xD2800002, 0xD2800003, 0xD2800928, 0xD4000001, 0x17FFFFFA),
        _ => throw ElfProgram.Unsupported(arch),
    };
}
