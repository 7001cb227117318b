using System.CommandLine;
using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>What commands that deploy share: they print the operator's answer, and wait when asked to.</summary>
internal static class DeployOutcome
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(10);

    public static Option<bool> Wait(string description) => new("--wait") { Description = description };

    public static Option<TimeSpan> Timeout() => new("--timeout")
    {
        Description = "how long --wait waits, such as 90s or 1h30m [default: 10m]",
        HelpName = "DURATION",
        CustomParser = result =>
        {
            if (!GoDuration.TryParse(result.Tokens[0].Value, out var duration) || duration <= TimeSpan.Zero)
            {
                result.AddError($"--timeout is a duration such as 90s, 10m or 1h30m, not \"{result.Tokens[0].Value}\"");
            }

            return duration;
        },
        DefaultValueFactory = _ => DefaultTimeout,
    };

    /// <summary>Prints the results and gives the exit code.</summary>
    /// <param name="host">Where to print.</param>
    /// <param name="client">The operator that answered.</param>
    /// <param name="format">How to print.</param>
    /// <param name="results">Its answer.</param>
    /// <param name="timeout">How long to wait for replicas; null for not at all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<int> ReportAsync(CliHost host, CortexClient client, OutputFormat format, IReadOnlyList<DeployResult> results, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        var failed = results.Any(result => result.Error.Length > 0);
        Print(host, format, results, failed);

        // What did deploy is still waited for, so that the answer is about all of it.
        var ready = timeout is not { } patience || await DeployWait.RunAsync(host, client, Waitable(results), patience, cancellationToken);
        if (failed || !ready)
        {
            return ExitCodes.Failure;
        }

        if (timeout is not null && format == OutputFormat.Pretty)
        {
            PrintAddresses(host, results);
        }

        return ExitCodes.Success;
    }

    // What one does next is call it.
    private static void PrintAddresses(CliHost host, IReadOnlyList<DeployResult> results)
    {
        var addresses = new KeyValues();
        foreach (var api in results.Select(result => result.Api).OfType<ApiResponse>())
        {
            if (api is { Spec.Name: { } name, Endpoint: { Length: > 0 } endpoint })
            {
                addresses.Add(name, endpoint);
            }
        }

        if (!addresses.IsEmpty)
        {
            host.Out.Write($"\n{addresses.Render(host.Style.Bold)}");
        }
    }

    private static string[] Waitable(IReadOnlyList<DeployResult> results) =>
        [.. results.Select(result => result.Api?.Spec).OfType<DeployedSpec>().Where(spec => spec.Kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI).Select(spec => spec.Name)];

    private static void Print(CliHost host, OutputFormat format, IReadOnlyList<DeployResult> results, bool failed)
    {
        if (format != OutputFormat.Pretty)
        {
            Answer.Write(host, format, JsonSerializer.SerializeToElement(results, WireJson.Contract.IReadOnlyListDeployResult));
            return;
        }

        var messages = results.Where(result => result.Error.Length == 0).Select(result => result.Message).ToArray();
        var errors = results.Where(result => result.Error.Length > 0).Select(result => result.Error).ToArray();
        var (writer, style) = failed ? (host.Error, host.ErrorStyle) : (host.Out, host.Style);
        string[] blocks = [style.Bold(string.Join('\n', messages)), string.Join('\n', errors)];
        writer.WriteLine(string.Join("\n\n", blocks.Where(block => block.Length > 0)));
    }
}
