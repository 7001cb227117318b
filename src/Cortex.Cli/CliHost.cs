using System.Text;
using Cortex.Cli.Clusters;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Client.Calling;
using Cortex.Client.Environments;

namespace Cortex.Cli;

/// <summary>Everything outside the process that a command touches.</summary>
internal sealed class CliHost
{
    /// <summary>Answers only; nothing else is written here when JSON or YAML was asked for.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Errors, prompts and progress.</summary>
    public required TextWriter Error { get; init; }

    public required TextReader In { get; init; }

    /// <summary>Standard input as bytes; the caller disposes of it.</summary>
    public Func<Stream> OpenInput { get; init; } = Console.OpenStandardInput;

    /// <summary>Standard output as bytes, behind what <see cref="Out"/> has written; the caller disposes of it.</summary>
    public Func<Stream> OpenOutput { get; init; } = Console.OpenStandardOutput;

    public bool InputIsTerminal { get; init; }

    public bool OutputIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    /// <summary>Columns of the terminal behind <see cref="Out"/>; null without one.</summary>
    public Func<int?> TerminalWidth { get; init; } = () => null;

    public required string WorkingDirectory { get; init; }

    public required string HomeDirectory { get; init; }

    /// <summary>An environment variable; null when it is not set.</summary>
    public required Func<string, string?> Variable { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>Makes the HTTP transport for an address that belongs to an environment; the caller disposes of it.</summary>
    public required Func<Uri, CortexEnvironment, HttpMessageHandler> CreateTransport { get; init; }

    /// <summary>Whether the command line says <c>--insecure</c>.</summary>
    public bool Insecure { get; set; }

    /// <summary>How this program starts itself as a server.</summary>
    public required ServerExecutable Server { get; init; }

    public Style Style => Style.For(OutputIsTerminal, Variable);

    public Style ErrorStyle => Style.For(ErrorIsTerminal, Variable);

    /// <summary>What environments depend on beside their file.</summary>
    public Surroundings Surroundings => new(Variable, HomeDirectory, WorkingDirectory);

    public CliConfigStore Config => new(ConfigDirectory.Locate(Surroundings));

    /// <summary>The client of an environment, with what the command line says of certificates. It repeats nothing: somebody waits for the error.</summary>
    public CortexClient Connect(CortexEnvironment environment) => new(
        Insecure ? environment with { Insecure = true } : environment,
        new ClientOptions { Retries = false, TimeProvider = Time, Transport = CreateTransport });

    /// <summary>A relative path of the user's as a full one.</summary>
    public string FullPath(string path) => Surroundings.FullPath(path);

    /// <summary>Writes <c>error: ...</c>, every further line of the message as it is.</summary>
    public void ReportError(string message)
    {
        // A long first line in bold is harder to read, not easier.
        const int LongestBoldLine = 120;
        var text = $"error: {message.TrimEnd()}";
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        var first = end < 0 ? text : text[..end];
        Error.WriteLine((first.Length <= LongestBoldLine ? ErrorStyle.Bold(first) : first) + text[first.Length..]);
    }

    public static CliHost ForThisProcess()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var outputIsTerminal = !Console.IsOutputRedirected;
        return new CliHost
        {
            Out = new StreamWriter(Console.OpenStandardOutput(), utf8) { AutoFlush = true },
            Error = new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true },
            In = new StreamReader(Console.OpenStandardInput(), utf8),
            InputIsTerminal = !Console.IsInputRedirected,
            OutputIsTerminal = outputIsTerminal,
            ErrorIsTerminal = !Console.IsErrorRedirected,
            TerminalWidth = () => outputIsTerminal && Console.WindowWidth > 0 ? Console.WindowWidth : null,
            WorkingDirectory = Directory.GetCurrentDirectory(),
            HomeDirectory = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
            Variable = Environment.GetEnvironmentVariable,
            Time = TimeProvider.System,
            CreateTransport = OperatorTransport.Create,
            Server = ServerExecutable.OfThisProcess(),
        };
    }
}
