using Cortex.Cli.Clusters;
using Cortex.Core.Wire;

namespace Cortex.Cli.Tests.Support;

/// <summary>A real background process in the server's place. The fake operator answers while it runs.</summary>
internal sealed class FakeServer
{
    private readonly CliFixture _cli;
    private readonly string _script;

    public FakeServer(CliFixture cli)
    {
        _cli = cli;
        _script = cli.Write("server.sh", Script("trap 'rm -f \"$data/answers\"; exit 0' TERM\ntouch \"$data/answers\"\nwhile :; do sleep 0.02; done\n"));
        cli.Time = TimeProvider.System;
        cli.Server = new ServerExecutable("/bin/sh", [_script]);
        cli.Operator.On("GET /info", () => File.Exists(Path.Combine(Directory, "answers"))
            ? System.Text.Json.JsonSerializer.Serialize(Apis.Info(), WireJson.Contract.InfoResponse)
            : throw new HttpRequestException("Connection refused"));
    }

    public string Directory => Path.Combine(_cli.ConfigDirectory, "clusters", "cortex");

    public int ProcessId => int.Parse(File.ReadAllText(Path.Combine(Directory, "server.pid")), System.Globalization.CultureInfo.InvariantCulture);

    public bool IsRunning => ServerProcess.Find(new ClusterDirectory(Directory)) is not null;

    /// <summary>Replaces what the next server does; <c>$data</c> is its directory and <c>$log</c> its log.</summary>
    public void NextStart(string script) => File.WriteAllText(_script, Script(script));

    public async Task StopAsync()
    {
        if (ServerProcess.Find(new ClusterDirectory(Directory)) is { } server)
        {
            await server.StopAsync(TimeProvider.System, CancellationToken.None);
        }
    }

    private static string Script(string serve) => $"""
        [ "$1 $2" = "server --data-dir" ] || exit 9
        data=$3 log=$5
        if [ "$4" = --teardown ]; then
          [ -e "$data/refuse" ] && echo "error: docker is not running" >&2 && exit 1
          [ -n "$6" ] && of=" of $6"
          echo "removed 2 containers$of"
          exit 0
        fi
        {serve}
        """;
}
