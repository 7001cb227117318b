using System.CommandLine;
using System.Globalization;
using Cortex.Cli.Commands;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Errors;
using Cortex.Core.Units;

namespace Cortex.Cli.Async;

/// <summary>Submits a request to an Async API.</summary>
internal static class AsyncSubmitCommand
{
    private static readonly TimeSpan _quietTime = TimeSpan.FromSeconds(1);

    // They belong to the connection, not to the request.
    private static readonly string[] _forbiddenHeaders = ["Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"];

    public static Command Create(CliHost host)
    {
        var api = AsyncOptions.Api();
        var file = new Argument<string?>("FILE") { Description = "the payload; - for standard input", Arity = ArgumentArity.ZeroOrOne };
        var data = new Option<string?>("--data", "-d") { Description = "the payload itself, instead of a file", HelpName = "TEXT" };
        var contentType = new Option<string?>("--content-type", "-t") { Description = "the payload's type [default: by the file's name; application/json for standard input and JSON texts]", HelpName = "TYPE" };
        var headers = new Option<string[]>("--header", "-H") { Description = "a header that the container gets; may be given several times", HelpName = "'NAME: VALUE'", Arity = ArgumentArity.OneOrMore };
        var key = new Option<string?>("--idempotency-key", "-k") { Description = "a second request with the same key is not done again: its answer is the first one's id", HelpName = "KEY" };
        var priority = new Option<int?>("--priority", "-p") { Description = "0 to 9; higher goes first [default: 0]", HelpName = "N" };
        var delay = new Option<string?>("--delay") { Description = "not to be begun before, such as 10m", HelpName = "DURATION" };
        var callback = new Option<string?>("--callback-url") { Description = "where the outcome is to be posted to", HelpName = "URL" };
        var wait = WaitOption.Create();
        var env = CommonOptions.Env();
        var output = AsyncOptions.Output();
        var command = new Command("submit", "submit a request; prints its id, or with --wait its result") { api, file, data, contentType, headers, key, priority, delay, callback, wait, env, output };
        headers.AllowMultipleArgumentsPerToken = false;
        priority.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var value) && value is < 0 or > 9)
            {
                result.AddError("--priority is 0 to 9");
            }
        });
        delay.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && WaitOption.Read(token.Value) is null)
            {
                result.AddError($"--delay is a duration such as 30s or 5m, not \"{token.Value}\"");
            }
        });
        CommandHelp.AddExamples(command,
            "cortex async submit texts request.json",
            "cortex async submit texts --data '{\"text\": \"hello\"}' --wait",
            "cortex async submit images photo.jpg --wait 5m > labels.json",
            "zcat big.csv.gz | cortex async submit tables - --content-type text/csv --idempotency-key day-17",
            "cortex async submit texts request.json --delay 1h --priority 9 --callback-url https://example.com/done");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(output);
            var extra = Headers(parsed.GetValue(headers) ?? []).ToList();
            var ofHeader = extra.FindIndex(header => header.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase));
            var type = parsed.GetValue(contentType) ?? (ofHeader < 0 ? null : extra[ofHeader].Value);
            extra.RemoveAll(header => header.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase));

            var payload = Payload.Open(host, parsed.GetValue(file), parsed.GetValue(data));
            await using var stream = payload.Stream;
            using var content = payload.ToContent(type);
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), announce: false, cancellationToken);
            var requests = client.Requests(parsed.GetValue(api)!);
            var options = new SubmitOptions
            {
                Headers = extra,
                IdempotencyKey = parsed.GetValue(key),
                Priority = parsed.GetValue(priority),
                Delay = parsed.GetValue(delay) is { } wanted ? WaitOption.Read(wanted) : null,
                CallbackUrl = parsed.GetValue(callback),
            };
            var submitted = await SendAsync(host, requests, content, payload.Stream, options, cancellationToken);
            if (submitted.IsReplay)
            {
                await host.Error.WriteLineAsync($"submitted before with this idempotency key, as {submitted.Id}");
            }

            if (parsed.GetValue(wait) is not { } patience)
            {
                await host.Out.WriteAsync(format == OutputFormat.Pretty ? $"{submitted.Id}\n" : submitted.Json.GetRawText());
                return ExitCodes.Success;
            }

            // Whoever stops waiting still has the id.
            await host.Error.WriteLineAsync($"submitted {submitted.Id}");
            return await AsyncGetCommand.WaitAsync(host, requests, submitted.Id, patience, format, cancellationToken);
        });
        return command;
    }

    private static IEnumerable<KeyValuePair<string, string>> Headers(string[] texts)
    {
        foreach (var text in texts)
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            var name = colon < 0 ? "" : text[..colon].Trim();
            var value = colon < 0 ? "" : text[(colon + 1)..].Trim();
            if (name.Length == 0 || !name.All(character => char.IsAsciiLetterOrDigit(character) || "!#$%&'*+-.^_`|~".Contains(character, StringComparison.Ordinal)) || value.Any(char.IsControl))
            {
                throw new CortexException("error", $"\"{text}\" is not a header; write it like 'X-Name: value'");
            }

            if (_forbiddenHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                throw new CortexException("error", $"the header {name} belongs to the connection and can't be given; leave it out");
            }

            yield return new(name, value);
        }
    }

    private static async Task<SubmittedRequest> SendAsync(
        CliHost host, ApiRequests requests, HttpContent content, UploadStream stream, SubmitOptions options, CancellationToken cancellationToken)
    {
        var sending = requests.SubmitAsync(content, options, cancellationToken);
        var display = new ProgressLines(host.Error, host.ErrorIsTerminal);
        var size = stream.CanSeek ? $" of {Size(stream.Length)}" : "";
        while (!sending.IsCompleted)
        {
            await Task.WhenAny(sending, Task.Delay(_quietTime, host.Time, cancellationToken));
            if (!sending.IsCompleted)
            {
                display.Show([host.ErrorIsTerminal ? $"sent {Size(stream.Sent)}{size}" : "sending ..."]);
            }
        }

        return await sending;
    }

    private static string Size(long bytes) => bytes < 1024 * 1024
        ? Quantity.FormatBytes(bytes / 1024 * 1024)
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0.0}Mi");
}
