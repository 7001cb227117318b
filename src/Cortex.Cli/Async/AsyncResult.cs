using System.Globalization;
using System.Text;
using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Errors;

namespace Cortex.Cli.Async;

/// <summary>Fetches the state of a request, waits for its end if asked to, and shows what came of it.</summary>
internal static class AsyncResult
{
    /// <summary>How long one call waits where nobody watches.</summary>
    private static readonly TimeSpan _longPoll = TimeSpan.FromSeconds(30);

    /// <summary>And where somebody does: the line on the terminal goes on.</summary>
    private static readonly TimeSpan _watchedPoll = TimeSpan.FromSeconds(1);

    /// <summary>Shows a request. Its result goes to standard output, everything else to standard error.</summary>
    /// <param name="host">Where to write.</param>
    /// <param name="requests">The API.</param>
    /// <param name="id">The request.</param>
    /// <param name="wait">How long to wait for its end; zero not at all, <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <param name="format">JSON gives the whole answer.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>0 when it is completed, <see cref="ExitCodes.Failure"/> when it failed or was cancelled, <see cref="ExitCodes.Unfinished"/> before.</returns>
    public static async Task<int> ShowAsync(CliHost host, ApiRequests requests, string id, TimeSpan wait, OutputFormat format, CancellationToken cancellationToken)
    {
        var began = host.Time.GetTimestamp();
        await using var output = host.OpenOutput();
        var display = new ProgressLines(host.Error, host.ErrorIsTerminal);
        return await requests.FollowAsync(
            id,
            wait,
            host.ErrorIsTerminal && format == OutputFormat.Pretty ? _watchedPoll : _longPoll,
            async (answer, isLast) =>
            {
                var (status, exitCode) = await ReadAsync(host, output, answer, format, isLast, cancellationToken);
                if (exitCode is null)
                {
                    ShowProgress(host, display, id, status, host.Time.GetElapsedTime(began));
                }

                return (exitCode is not null, exitCode ?? ExitCodes.Unfinished);
            },
            () => ShowProgress(host, display, id, "unknown, its cluster does not answer", host.Time.GetElapsedTime(began)),
            cancellationToken);
    }

    // The exit code when there is nothing more to wait for.
    private static async Task<(string Status, int? ExitCode)> ReadAsync(CliHost host, Stream output, HttpResponseMessage answer, OutputFormat format, bool isLast, CancellationToken cancellationToken)
    {
        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var scanner = new AnswerScanner();
        await using var sink = new ResultSink(output, scanner, format, host.OutputIsTerminal);
        JsonElement state;
        try
        {
            state = await scanner.ReadAsync(body, sink.WriteAsync, cancellationToken);
        }
        catch (Exception exception) when (exception is JsonException or HttpRequestException or HttpIOException)
        {
            throw new CortexException(ClientErrorKinds.BrokenAnswer, $"the answer broke off or is not Cortex's: {exception.Message}; ask again", exception);
        }

        var status = state.TryGetProperty("status", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "unknown";
        var final = new RequestState(state).IsFinal;
        if (!final && !isLast)
        {
            return (status, null);
        }

        await sink.FinishAsync(cancellationToken);
        if (format == OutputFormat.Pretty && status != "completed")
        {
            host.ReportError(Explain(state, status));
        }

        return (status, status switch { "completed" => ExitCodes.Success, "failed" or "cancelled" => ExitCodes.Failure, _ => ExitCodes.Unfinished });
    }

    private static string Explain(JsonElement state, string status)
    {
        var id = Text(state, "id");
        var text = new StringBuilder(status switch
        {
            "failed" => $"{id} failed: {Why(state.TryGetProperty("error", out var error) ? error : default)}",
            "cancelled" => $"{id} was cancelled",
            "in_progress" => $"{id} is in progress",
            "in_queue" => $"{id} is in the queue{(Text(state, "not_before") is { Length: > 0 } time ? $", not before {time}" : "")}",
            _ => $"{id} is {status}",
        });

        // The only attempt of a failed request says what has just been said.
        if (state.TryGetProperty("attempts", out var attempts) && attempts.ValueKind == JsonValueKind.Array && (status != "failed" || attempts.GetArrayLength() > 1))
        {
            foreach (var attempt in attempts.EnumerateArray())
            {
                text.Append(CultureInfo.InvariantCulture, $"\n  {Text(attempt, "started")} on {Text(attempt, "worker")}: {Why(attempt)}");
            }
        }

        return text.ToString();
    }

    private static string Why(JsonElement error)
    {
        if (error.ValueKind != JsonValueKind.Object)
        {
            return "no reason was given";
        }

        var (reason, message, answer) = (Text(error, "reason"), Text(error, "message"), Text(error, "answer"));
        return (message.Length > 0 ? $"{message} ({reason})" : reason) + (answer.Length > 0 ? $"; it answered: {OneLine(answer)}" : "");
    }

    // What a container answers may hold anything, also what a terminal would obey.
    private static string OneLine(string text) => string.Concat(text.Trim().Select(character => char.IsControl(character) ? ' ' : character));

    private static void ShowProgress(CliHost host, ProgressLines display, string id, string status, TimeSpan elapsed)
    {
        if (elapsed >= TimeSpan.FromSeconds(1))
        {
            display.Show([host.ErrorIsTerminal ? $"{id}: {status} ({Elapsed.Format(elapsed)})" : $"{id}: {status}"]);
        }
    }

    private static string Text(JsonElement value, string key) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(key, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
}
