using System.Globalization;
using System.Text;
using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Core.Errors;

namespace Cortex.Cli.Async;

/// <summary>Fetches the state of a request, waits for its end if asked to, and shows what came of it.</summary>
internal static class AsyncResult
{
    /// <summary>How long one call waits where nobody watches.</summary>
    private static readonly TimeSpan _longPoll = TimeSpan.FromSeconds(30);

    /// <summary>And where somebody does: the line on the terminal goes on.</summary>
    private static readonly TimeSpan _watchedPoll = TimeSpan.FromSeconds(1);

    /// <summary>A wait goes on over a restart of the server that is not longer than this.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan _retryPause = TimeSpan.FromMilliseconds(500);

    /// <summary>Shows a request. Its result goes to standard output, everything else to standard error.</summary>
    /// <param name="host">Where to write.</param>
    /// <param name="client">The API.</param>
    /// <param name="id">The request.</param>
    /// <param name="wait">How long to wait for its end; zero not at all, <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <param name="format">JSON gives the whole answer.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>0 when it is completed, <see cref="ExitCodes.Failure"/> when it failed or was cancelled, <see cref="ExitCodes.Unfinished"/> before.</returns>
    public static async Task<int> ShowAsync(CliHost host, AsyncClient client, string id, TimeSpan wait, OutputFormat format, CancellationToken cancellationToken)
    {
        var began = host.Time.GetTimestamp();
        await using var output = host.OpenOutput();
        var display = new ProgressLines(host.Error, host.ErrorIsTerminal);
        var lastSeen = began;
        while (true)
        {
            var elapsed = host.Time.GetElapsedTime(began);
            var left = wait == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : wait - elapsed;
            var poll = Min(host.ErrorIsTerminal && format == OutputFormat.Pretty ? _watchedPoll : _longPoll, left > TimeSpan.Zero ? left : TimeSpan.Zero);
            try
            {
                using var answer = await client.GetAsync(id, poll, cancellationToken);
                var (status, shown) = await ReadAsync(host, output, answer, format, isLast: left <= poll, cancellationToken);
                lastSeen = host.Time.GetTimestamp();
                if (shown is { } exitCode)
                {
                    return exitCode;
                }

                ShowProgress(host, display, id, status, host.Time.GetElapsedTime(began));
            }
            catch (AsyncUnavailableException exception)
            {
                if (wait == TimeSpan.Zero || left <= TimeSpan.Zero || host.Time.GetElapsedTime(lastSeen) > _patience)
                {
                    throw exception.Error;
                }

                ShowProgress(host, display, id, "unknown, its cluster does not answer", host.Time.GetElapsedTime(began));
                await Task.Delay(_retryPause, host.Time, cancellationToken);
            }
        }
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
            throw new CortexException("cli.async_broken_answer", $"the answer broke off or is not Cortex's: {exception.Message}; ask again", exception);
        }

        var status = state.TryGetProperty("status", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "unknown";
        var final = status is "completed" or "failed" or "cancelled";
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

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
