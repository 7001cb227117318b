using System.Buffers.Binary;

namespace Cortex.Runtimes.Docker;

/// <summary>Makes static executables of a few bytes, so that nothing has to be pulled.</summary>
internal static class ElfProgram
{
    private const ulong LoadAddress = 0x400000;
    private const int HeadersSize = 64 + 56;

    /// <summary>An ELF file that is loaded as it is and begins at the first byte of the code.</summary>
    /// <exception cref="PlatformNotSupportedException">The engine runs on another processor than we have programs for.</exception>
    public static byte[] Make(string arch, ReadOnlySpan<byte> code)
    {
        ushort machine = arch switch
        {
            "amd64" => 62,
            "arm64" => 183,
            _ => throw Unsupported(arch),
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

    /// <summary>Instructions of arm64.</summary>
    public static byte[] Arm(params uint[] words)
    {
        var bytes = new byte[words.Length * 4];
        for (var i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), words[i]);
        }

        return bytes;
    }

    public static PlatformNotSupportedException Unsupported(string arch) => new($"Docker runs on {arch}; pods can be run on amd64 and arm64");
}
