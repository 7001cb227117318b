using System.Diagnostics;
using System.Text;

namespace Cortex.EndToEnd.Tests.Guide;

/// <summary>
/// A machine as a reader of the guide has it: a Docker Engine, the repository, a home of his own, <c>cortex</c> on the path, and all ports free. Images of
/// registries are played by one of Debian's packages, whose <c>pip</c> installs nothing and fails for what is not there.
/// </summary>
public sealed class GuideFixture : IAsyncLifetime
{
    // What the pages' "before" is written in. The image answers every request with JSON, and 500 to one that names the item 7.
    private const string Functions = """
        set -euo pipefail
        curl() { command curl --fail-with-body --max-time 60 "$@"; }
        pip() { python3 -m zipfile -e ${2} "$PYTHONPATH"; }   # pip install WHEEL
        token() { cat ~/.cortex/clusters/cortex/token; }
        image() { docker image inspect "$1" >/dev/null 2>&1 || docker build -q -t "$1" "${2:-$WALK_IMAGE}" >/dev/null; }
        container() { printf '    containers:\n    - name: api\n      image: %s\n      env: {V: "%s"}\n      compute: {cpu: 50m, mem: 64Mi}\n' "$1" "$2"; }
        spec() { printf -- '- name: %s\n  kind: %s\n  pod:\n' "$1" "$2"; container "$3" "${4:-one}"; }
        api() { spec "$1" "${2:-RealtimeAPI}" "${3:-cortex-walk:1}" "${4:-one}" >"$1.yaml"; cortex deploy "$1.yaml" --wait; }
        batch() { { spec "$1" BatchAPI my-scorer:1; printf '      command: [python3, /app/serve.py]\n'; } >"$1.yaml"; cortex deploy "$1.yaml"; }
        task() { { spec "$1" TaskAPI cortex-walk:1; printf '      command: [echo, done]\n'; } >"$1.yaml"; cortex deploy "$1.yaml"; }
        # A cluster with nothing on it, whatever the page before has left.
        fresh() { cortex cluster down -y >/dev/null 2>&1 || true; rm -rf ~/.cortex; cortex cluster up >/dev/null; }
        blocks() { python3 "$TOOLS/blocks.py" "$PAGE"; }

        """;

    // Puts the page's YAML and Python into the files that their first lines name; YAML without a name is cortex.yaml.
    private const string Blocks = """
        import os, re, sys
        for language, text in re.findall(r"^```(yaml|python)\n(.*?)^```$", open(sys.argv[1]).read(), re.S | re.M):
            name = re.match(r"# ([\w./-]+\.(?:yaml|py))\n", text)
            name = os.path.basename(name[1]) if name else "cortex.yaml" if language == "yaml" else None
            if name and not os.path.exists(name):
                open(name, "w").write(text)

        """;

    private const string Server = """
        import json, os, signal, sys
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = json.dumps({"path": self.path, "bytes": len(body)}).encode()
                self.send_response(500 if b'"id": 7' in body or b'"id":7' in body else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        ThreadingHTTPServer(("", int(os.environ.get("CORTEX_PORT", "8080"))), Handler).serve_forever()

        """;

    private const string Base = "cortex-python:bookworm";
    private readonly string _directory = Directory.CreateTempSubdirectory("cortex-guide-").FullName;
    private readonly PrivateDocker _docker = new();

    public async ValueTask InitializeAsync()
    {
        var images = await Shell.LinesAsync("docker", "image", "ls", "-q", Base);
        Assert.True(images.Count > 0, $"the image {Base} is missing; run test/prepare.sh (./test.sh does), which makes it");
        await _docker.StartAsync();
        await _docker.LoadAsync(Base);

        var tools = Directory.CreateDirectory(Path.Combine(_directory, "tools"));
        await File.WriteAllTextAsync(Path.Combine(tools.FullName, "functions.sh"), Functions);
        await File.WriteAllTextAsync(Path.Combine(tools.FullName, "blocks.py"), Blocks);
        File.CreateSymbolicLink(Path.Combine(tools.FullName, "cortex"), CortexExecutable.Path);
        Directory.CreateDirectory(Path.Combine(_directory, "home"));
        Directory.CreateDirectory(Path.Combine(_directory, "python"));
        await BuildAsync("python:3.12-slim", $"FROM {Base}\nRUN ln -s python3 /usr/bin/python && printf '#!/bin/sh\\ncase $2 in scikit-learn) exec python3 -c \"import sklearn\" ;; *) exit 1 ;; esac\\n' >/usr/bin/pip && chmod +x /usr/bin/pip\n");
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(WalkImage).FullName, "serve.py"), Server);
        await File.WriteAllTextAsync(Path.Combine(WalkImage, "Dockerfile"), $"FROM {Base}\nCOPY serve.py /app/\nRUN printf 'print(\"trained\")\\n' >/app/train.py\nCMD [\"python3\", \"/app/serve.py\"]\n");
    }

    private string WalkImage => Path.Combine(_directory, "image");

    /// <summary>Runs a page's commands in one shell, after a cluster is up; the first that fails ends it, and is shown with all that was printed.</summary>
    internal async Task RunAsync(GuideWalk walk, string script)
    {
        var work = Directory.CreateDirectory(Path.Combine(_directory, "work", walk.Page.Replace('/', '-'))).FullName;
        foreach (var link in new[] { "examples", "scripts" })
        {
            File.CreateSymbolicLink(Path.Combine(work, link), Path.Combine(Repository.Root, link));
        }

        var file = Path.Combine(work, ".walk.sh");
        await File.WriteAllTextAsync(file, $". \"$TOOLS/functions.sh\"\nfresh\n{walk.Before}\n{script}\n");
        var start = new ProcessStartInfo(_docker.Enter[0], [.. _docker.Enter.Skip(1), "bash", "-x", file])
        {
            WorkingDirectory = work,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in Environment(walk))
        {
            start.Environment[name] = value;
        }

        start.Environment.Remove("CORTEX_CLI_CONFIG_DIR");
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var printed = new StringBuilder();
        process.OutputDataReceived += (_, line) => Append(printed, line.Data);
        process.ErrorDataReceived += (_, line) => Append(printed, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        try
        {
            await process.WaitForExitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{walk.Page} did not end:\n{printed}");
        }

        Assert.True(process.ExitCode == 0, $"{walk.Page} ended with {process.ExitCode}:\n{printed}");
    }

    public async ValueTask DisposeAsync()
    {
        await Shell.RunAsync(_docker.Enter[0], [.. _docker.Enter.Skip(1), "env", $"HOME={Path.Combine(_directory, "home")}", $"DOCKER_HOST={_docker.Host}", CortexExecutable.Path, "cluster", "down", "-y"]);
        await _docker.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private Dictionary<string, string> Environment(GuideWalk walk) => new()
    {
        ["HOME"] = Path.Combine(_directory, "home"),
        ["DOCKER_HOST"] = _docker.Host,
        ["PATH"] = Path.Combine(_directory, "tools") + ":" + System.Environment.GetEnvironmentVariable("PATH"),
        ["PYTHONPATH"] = Path.Combine(_directory, "python"),
        ["TOOLS"] = Path.Combine(_directory, "tools"),
        ["PAGE"] = Path.Combine(Repository.Root, "docs", "guide", walk.Page),
        ["WALK_IMAGE"] = WalkImage,
        ["ARTIFACTS"] = Path.Combine(Repository.Root, "artifacts"),
    };

    private async Task BuildAsync(string image, string dockerfile)
    {
        var context = Directory.CreateDirectory(Path.Combine(_directory, "context")).FullName;
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"), dockerfile);
        await Shell.RunAsync("docker", "-H", _docker.Host, "build", "-q", "-t", image, context);
    }

    private static void Append(StringBuilder printed, string? line)
    {
        lock (printed)
        {
            printed.AppendLine(line);
        }
    }
}
