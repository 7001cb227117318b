using System.Buffers.Binary;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>
/// The image of the container that holds a pod's network namespace: one static program that sleeps for ever. It is made
/// here, byte by byte, so that nothing has to be pulled.
/// </summary>
internal static class InfraImage
{
    /// <summary>The number grows when the image's content changes.</summary>
    public const string Name = "cortex/infra:1";

    private const ulong LoadAddress = 0x400000;
    private const int HeadersSize = 64 + 56;

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
    public static byte[] Archive(string arch) => ImageArchive.Make(Name, arch, ["/pause"], root =>
    {
        using var program = new MemoryStream(Program(arch));
        ImageArchive.Add(root, "pause", program, executable: true);
    });

    /// <summary>A static ELF executable that waits for signals in a loop.</summary>
    public static byte[] Program(string arch)
    {
        var (machine, code) = arch switch
        {
            // mov eax, SYS_pause; syscall; jmp back
            "amd64" => ((ushort)62, Convert.FromHexString("B8220000000F05EBF7")),
            // mov x0..x3, 0; mov x8, SYS_ppoll; svc 0; b back (there is no pause on arm64)
            "arm64" => ((ushort)183, Instructions(0xD2800000, 0xD2800001, 0xD2800002, 0xD2800003, 0xD2800928, 0xD4000001, 0x17FFFFFA)),
            _ => throw new PlatformNotSupportedException($"Docker runs on {arch}; pods can be run on amd64 and arm64"),
        };
        var elf = new byte[HeadersSize + code.Length];
        var header = elf.AsSpan();
        "\u007fELF"u8.CopyTo(header);
        header[4] = 2; // 64 bits
        header[5] = 1; // little endian
        header[6] = 1; // ELF version
        BinaryPrimitives.WriteUInt16LittleEndian(header[16..], 2); // executable
        BinaryPrimitives.WriteUInt16LittleEndian(header[18..], machine);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 1);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], LoadAddress + HeadersSize); // entry
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], 64); // program headers follow
        BinaryPrimitives.WriteUInt16LittleEndian(header[52..], 64);
        BinaryPrimitives.WriteUInt16LittleEndian(header[54..], 56);
        BinaryPrimitives.WriteUInt16LittleEndian(header[56..], 1);
        var segment = header[64..];
        BinaryPrimitives.WriteUInt32LittleEndian(segment, 1); // load
        BinaryPrimitives.WriteUInt32LittleEndian(segment[4..], 5); // read and execute
        BinaryPrimitives.WriteUInt64LittleEndian(segment[16..], LoadAddress);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[24..], LoadAddress);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[32..], (ulong)elf.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[40..], (ulong)elf.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[48..], 0x10000); // alignment: arm64 may have 64 KiB pages
        code.CopyTo(header[HeadersSize..]);
        return elf;
    }

    private static byte[] Instructions(params uint[] words)
    {
        var bytes = new byte[words.Length * 4];
        for (var i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), words[i]);
        }

        return bytes;
    }
}
