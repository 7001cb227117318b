using System.Diagnostics;

namespace Cortex.EndToEnd.Tests;

/// <summary>A Docker Engine of its own, so that a test can stop it without hurting anybody.</summary>
/// <remarks>
/// It has a network namespace of its own: at its start an engine makes its rules of the firewall anew, and two engines in one namespace have the
/// same. A cluster on it is to run in that namespace, too, and is reached from outside at <see cref="Address"/>.
/// </remarks>
internal sealed class PrivateDocker : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("cxd-").FullName;
    private readonly string _name = $"cxd{Random.Shared.Next(0x1000000):x6}";
    private readonly int _number = Random.Shared.Next(256);
    private Process? _daemon;

    public string Host => $"unix://{_directory}/docker.sock";

    /// <summary>The namespace's address, by which it is reached from this one.</summary>
    public string Address => $"10.213.{_number}.2";

    /// <summary>What runs a program in the namespace when it is put in front of its command line.</summary>
    public IReadOnlyList<string> Enter => ["nsenter", $"--net=/run/netns/{_name}"];

    public async Task StartAsync()
    {
        if (!File.Exists($"/run/netns/{_name}"))
        {
            await Shell.RunAsync("ip", "netns", "add", _name);
            await Shell.RunAsync("ip", "link", "add", _name, "type", "veth", "peer", "name", "outside", "netns", _name);
            await Shell.RunAsync("ip", "address", "add", $"10.213.{_number}.1/30", "dev", _name);
            await Shell.RunAsync("ip", "link", "set", _name, "up");
            await Shell.RunAsync("ip", "-n", _name, "address", "add", $"{Address}/30", "dev", "outside");
            await Shell.RunAsync("ip", "-n", _name, "link", "set", "outside", "up");
            await Shell.RunAsync("ip", "-n", _name, "link", "set", "lo", "up");
        }

        Launch();
        await Eventually.TrueAsync(AnswersAsync, "the private Docker Engine answers");
    }

    /// <summary>Starts it with the image of the tests.</summary>
    public async Task StartWithImageAsync()
    {
        await TestImage.EnsureAsync();
        await StartAsync();
        await LoadAsync(TestImage.Name);
    }

    /// <summary>Halts it, or lets it go on: its socket takes connections, and nothing is answered.</summary>
    public Task HaltAsync(bool halt) => Shell.RunAsync("kill", halt ? "-STOP" : "-CONT", $"{_daemon!.Id}");

    private void Launch()
    {
        var start = new ProcessStartInfo(Enter[0],
        [
            .. Enter.Skip(1), "dockerd",
            "--host", Host, "--data-root", $"{_directory}/data", "--exec-root", $"{_directory}/exec",
            "--pidfile", $"{_directory}/pid", "--log-level", "error",
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _daemon = Process.Start(start)!;
        _daemon.OutputDataReceived += (_, _) => { };
        _daemon.ErrorDataReceived += (_, _) => { };
        _daemon.BeginOutputReadLine();
        _daemon.BeginErrorReadLine();
    }

    /// <summary>Gives it an image that the machine's own engine has.</summary>
    public async Task LoadAsync(string image)
    {
        var file = Path.Combine(_directory, "image.tar");
        await Shell.RunAsync("docker", "save", "-o", file, image);
        await Shell.RunAsync("docker", "-H", Host, "load", "-q", "-i", file);
    }

    /// <summary>Stops it as a package upgrade does: its containers end with it.</summary>
    public async Task StopAsync()
    {
        if (_daemon is not { } daemon)
        {
            return;
        }

        if (!daemon.HasExited)
        {
            await Shell.RunAsync("kill", $"{daemon.Id}");
        }

        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await daemon.WaitForExitAsync(bound.Token);
        daemon.Dispose();
        _daemon = null;
    }

    /// <summary>Kills it as a crash does: the next one finds what is left.</summary>
    public async Task KillAsync()
    {
        var daemon = _daemon!;
        daemon.Kill();
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await daemon.WaitForExitAsync(bound.Token);
        daemon.Dispose();
        _daemon = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        KillLeftovers();
        await Shell.RunAsync("ip", "netns", "delete", _name);
        foreach (var mount in File.ReadLines("/proc/mounts").Select(line => line.Split(' ')[1]).Where(path => path.StartsWith(_directory, StringComparison.Ordinal)).ToList())
        {
            await Shell.RunAsync("umount", mount);
        }

        await Eventually.TrueAsync(TryDelete, "nothing holds the private Docker Engine's files any more");
    }

    /// <summary>A daemon that was killed, or that was asked to start something while it ended, leaves processes to nobody, which hold its files.</summary>
    private void KillLeftovers()
    {
        foreach (var process in Process.GetProcesses())
        {
            using (process)
            {
                try
                {
                    // The daemon's helpers name the folder, and the root of a container's process lies in it.
                    if (File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(_directory, StringComparison.Ordinal)
                        || File.ReadLines($"/proc/{process.Id}/mountinfo").First().Contains(_directory, StringComparison.Ordinal))
                    {
                        process.Kill();
                    }
                }
                catch (Exception e) when (e is IOException or InvalidOperationException or UnauthorizedAccessException)
                {
                    // It has ended by itself.
                }
            }
        }
    }

    private Task<bool> TryDelete()
    {
        try
        {
            Directory.Delete(_directory, recursive: true);
            return Task.FromResult(true);
        }
        catch (IOException)
        {
            return Task.FromResult(false);
        }
    }

    private async Task<bool> AnswersAsync()
    {
        if (_daemon!.HasExited)
        {
            // What a killed one left may be in the way of the first try; whoever supervises it tries again.
            _daemon.Dispose();
            Launch();
        }

        using var ask = Process.Start(new ProcessStartInfo("docker", ["-H", Host, "version"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await ask.WaitForExitAsync(bound.Token);
            return ask.ExitCode == 0;
        }
        catch (OperationCanceledException)
        {
            ask.Kill();   // it accepts and does not answer
            return false;
        }
    }
}
