using System.Net.Sockets;
using Cortex.Cli.Clusters;
using Cortex.Client;
using Cortex.Client.Calling;
using Cortex.Client.Environments;

namespace Cortex.Cli.Tests.Support;

/// <summary>A command line in a directory of its own, in front of an operator that is not there.</summary>
internal sealed class CliFixture : IDisposable
{
    private readonly Dictionary<string, string> _variables = [];

    public CliFixture()
    {
        Root = Directory.CreateTempSubdirectory("cortex-cli-").FullName;
        Directory.CreateDirectory(Path.Combine(Root, "home"));
        Directory.CreateDirectory(WorkingDirectory);
        SetVariable("CORTEX_CLI_CONFIG_DIR", ConfigDirectory);
    }

    public string Root { get; }

    public string WorkingDirectory => Path.Combine(Root, "work");

    public string ConfigDirectory => Path.Combine(Root, "config");

    public string ConfigFile => Path.Combine(ConfigDirectory, "cli.yaml");

    public FakeOperator Operator { get; } = new();

    public TimeProvider Time { get; set; } = new JumpingTime();

    /// <summary>Replaces the fake operator; null keeps it.</summary>
    public Func<Uri, HttpMessageHandler>? Transport { get; set; }

    /// <summary>Speaks to real sockets, as the program does.</summary>
    public bool RealTransport { get; set; }

    public string Input { get; set; } = "";

    /// <summary>Replaces standard output where bytes are written; null adds them to the text.</summary>
    public Func<Stream>? OpenOutput { get; set; }

    public bool InputIsTerminal { get; set; }

    public bool OutputIsTerminal { get; set; }

    public bool ErrorIsTerminal { get; set; }

    public ServerExecutable Server { get; set; } = new("/nonexistent/cortex", []);

    public void SetVariable(string name, string value) => _variables[name] = value;

    /// <summary>Stores environments; the first is the default.</summary>
    public void Configure(params string[] names)
    {
        var environments = names.Select(name => new CortexEnvironment { Name = name, OperatorEndpoint = $"http://{name}.test:8888", Token = $"token-of-{name}" });
        new CliConfigStore(ConfigDirectory).Save(new CliConfig { DefaultEnvironment = names.FirstOrDefault(), Environments = [.. environments] });
    }

    public string Write(string name, string content)
    {
        var path = Path.Combine(WorkingDirectory, name);
        File.WriteAllText(path, content);
        return path;
    }

    public void RefuseConnections() => Operator.Unreachable = new SocketException((int)SocketError.ConnectionRefused);

    public Task<CliResult> RunAsync(params string[] args) => RunAsync(TestContext.Current.CancellationToken, args);

    public async Task<CliResult> RunAsync(CancellationToken cancellationToken, params string[] args)
    {
        var (output, error) = (new StringWriter { NewLine = "\n" }, new StringWriter { NewLine = "\n" });
        var exitCode = await CommandLine.RunAsync(args, Host(output, error), cancellationToken);
        return new CliResult(exitCode, output.ToString(), error.ToString());
    }

    public CliHost Host(TextWriter output, TextWriter error) => new()
    {
        Out = TextWriter.Synchronized(output),
        Error = TextWriter.Synchronized(error),
        In = new StringReader(Input),
        OpenInput = () => new PipeStream(System.Text.Encoding.UTF8.GetBytes(Input)),
        OpenOutput = OpenOutput ?? (() => new TextStream(output)),
        InputIsTerminal = InputIsTerminal,
        OutputIsTerminal = OutputIsTerminal,
        ErrorIsTerminal = ErrorIsTerminal,
        TerminalWidth = () => OutputIsTerminal ? 60 : null,
        WorkingDirectory = WorkingDirectory,
        HomeDirectory = Path.Combine(Root, "home"),
        Variable = name => _variables.GetValueOrDefault(name),
        Time = Time,
        CreateTransport = RealTransport ? OperatorTransport.Create : (address, _) => Transport?.Invoke(address) ?? Operator,
        Server = Server,
    };

    public void Dispose() => Directory.Delete(Root, recursive: true);

    // Like a pipe it does not know its length.
    private sealed class PipeStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }

    private sealed class TextStream(TextWriter writer) : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            writer.Write(System.Text.Encoding.UTF8.GetString(buffer.Span));
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>What a command left behind.</summary>
internal sealed record CliResult(int ExitCode, string Out, string Error);
