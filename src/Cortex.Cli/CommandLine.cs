using System.CommandLine;
using System.Runtime.InteropServices;
using Cortex.Cli.Async;
using Cortex.Cli.Commands;
using Cortex.Cli.Completing;
using Cortex.Cli.Output;
using Cortex.Core.Errors;

namespace Cortex.Cli;

/// <summary>The entry of the command line.</summary>
public static class CommandLine
{
    /// <summary>Runs one command and returns the exit code: 0, 1 for a failure, 2 for a usage mistake, 3 for a request that is not done yet, 130 when interrupted.</summary>
    /// <param name="args">The words after the program's name.</param>
    public static async Task<int> RunAsync(string[] args)
    {
        using var cancellation = new CancellationTokenSource();
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            cancellation.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        return await RunAsync(args, CliHost.ForThisProcess(), cancellation.Token);
    }

    /// <summary>The same in a world that a test can make.</summary>
    internal static async Task<int> RunAsync(string[] args, CliHost host, CancellationToken cancellationToken)
    {
        var root = CortexCommand.Create(host);
        if (args is [Completion.Verb, .. var typed])
        {
            return await Completion.RunAsync(host, root, typed, cancellationToken);
        }

        var words = WaitOption.Expand(CommandPrefixes.Expand(root, args));
        var parsed = root.Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            return UsageErrors.Report(parsed, host);
        }

        host.Insecure = parsed.GetValue<bool>(CommonOptions.InsecureName);
        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = host.Out,
                    Error = host.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCodes.Interrupted;
        }
        catch (PromptInterruptedException)
        {
            return ExitCodes.Failure;
        }
        catch (CortexException exception)
        {
            host.ReportError(exception.Message);
            return ExitCodes.Failure;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            host.ReportError(exception.Message);
            return ExitCodes.Failure;
        }
    }
}
