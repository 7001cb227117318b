using System.Diagnostics;

namespace Cortex.Cli.Tests.Guide;

/// <summary>What <c>scripts/check-libraries.sh</c> says on machines that lack something, with an ldd that plays them.</summary>
public sealed class LibraryCheckTests : IDisposable
{
    private const string Whole = "\tlibstdc++.so.6 => /lib/libstdc++.so.6 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n";
    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-ldd-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("ldd (Debian GLIBC 2.36-9+deb12u10) 2.36\\nCopyright", Whole, 0, "")]
    [InlineData("ldd (GNU libc) 2.39\\nCopyright", Whole, 0, "")]
    [InlineData("ldd (Ubuntu GLIBC 2.31-0ubuntu9) 2.31\\nCopyright", Whole, 1, "error: glibc here is 2.31; cortex needs 2.34 or later")]
    [InlineData("musl libc (x86_64)\\nVersion 1.2.4", Whole, 1, "error: this system has no glibc (Alpine Linux, for one, has musl)")]
    [InlineData("ldd (GNU libc) 2.39", "\tlibstdc++.so.6 => not found\n", 1, "error: cortex can't run here without libstdc++.so.6\nDebian 12, Ubuntu 22.04: apt-get install libstdc++6 libssl3")]
    public async Task Check_Machine_SaysWhatIsMissing(string version, string libraries, int exitCode, string expected)
    {
        var ldd = Path.Combine(_folder, "ldd");
        await File.WriteAllTextAsync(ldd, $"#!/bin/sh\n[ \"$1\" = --version ] && printf '{version}\\n' || printf '{libraries.Replace("\n", "\\n", StringComparison.Ordinal)}'\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(ldd, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var start = new ProcessStartInfo("sh", [Path.Combine(Repository.Root, "scripts", "check-libraries.sh"), ldd]) { RedirectStandardError = true };
        start.Environment["PATH"] = $"{_folder}:{Environment.GetEnvironmentVariable("PATH")}";

        using var check = Process.Start(start)!;
        var said = await check.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await check.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(exitCode, check.ExitCode);
        Assert.StartsWith(expected, said, StringComparison.Ordinal);
    }
}
