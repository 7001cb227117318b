using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cortex.Cli.Commands;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client.Requests;
using Cortex.Core.Errors;

namespace Cortex.Cli.Async;

/// <summary>Lists the requests of an Async API, newest first.</summary>
internal static class AsyncListCommand
{
    private const int DefaultLimit = 50;
    private const int LargestPage = 1000;

    public static Command Create(CliHost host)
    {
        var api = AsyncOptions.Api();
        var status = new Option<string?>("--status", "-s") { Description = $"only these: {string.Join(", ", AsyncOptions.Statuses)}", HelpName = "STATUS" };
        status.AcceptOnlyFromAmong(AsyncOptions.Statuses);
        var limit = new Option<int?>("--limit", "-l") { Description = $"how many, 1 to {LargestPage} [default: {DefaultLimit}]", HelpName = "N" };
        limit.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var value) && value is < 1 or > LargestPage)
            {
                result.AddError($"--limit is 1 to {LargestPage}; --all shows every request");
            }
        });
        var cursor = new Option<string?>("--cursor") { Description = "go on where an earlier list ended", HelpName = "CURSOR" };
        var all = new Option<bool>("--all", "-a") { Description = "every request, however many" };
        var env = CommonOptions.Env();
        var output = AsyncOptions.Output();
        var command = new Command("list", "list requests, newest first") { api, status, limit, cursor, all, env, output };
        CommandHelp.AddExamples(command,
            "cortex async list texts --status failed",
            "cortex async list texts --all -o json | jq -r '.requests[].id'");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(all) && (parsed.GetValue(limit) ?? (object?)parsed.GetValue(cursor)) is not null)
            {
                throw new CortexException("cli.mutually_exclusive_flags", "--all can't be combined with --limit or --cursor");
            }

            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), announce: false, cancellationToken);
            var requests = client.Requests(parsed.GetValue(api)!);
            var pages = requests.PagesAsync(parsed.GetValue(status), parsed.GetValue(all) ? LargestPage : parsed.GetValue(limit) ?? DefaultLimit, parsed.GetValue(cursor), parsed.GetValue(all), cancellationToken);
            await (parsed.GetValue(output) == OutputFormat.Json ? WriteJsonAsync(host, pages) : WriteTableAsync(host, requests.ApiName, parsed.GetValue(status), pages));
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task WriteJsonAsync(CliHost host, IAsyncEnumerable<RequestPage> pages)
    {
        var separator = "{\"requests\":[";
        var cursor = "";
        await foreach (var page in pages)
        {
            foreach (var request in page.Requests)
            {
                await host.Out.WriteAsync(separator + request.GetRawText());
                separator = ",";
            }

            cursor = page.CursorText is { } next ? $",\"cursor\":{next}" : "";
        }

        await host.Out.WriteAsync($"{(separator == "," ? "" : separator)}]{cursor}}}");
    }

    private static async Task WriteTableAsync(CliHost host, string api, string? status, IAsyncEnumerable<RequestPage> pages)
    {
        var isFirst = true;
        var cursor = "";
        await foreach (var page in pages)
        {
            var table = new Table("id", "status", "priority", "submitted", "done") { Sorted = false };
            foreach (var request in page.Requests)
            {
                table.Add(Text(request, "id"), Text(request, "status"), request.TryGetProperty("priority", out var priority) ? priority.GetRawText() : "0", Ago(host, Text(request, "created")), Ago(host, Text(request, "timestamp")));
            }

            // Columns have the same widths on every page, so that the header is needed once.
            var text = table.Render(host.Style);
            await host.Out.WriteAsync(isFirst && table.IsEmpty ? $"{host.Style.Bold($"{api} has no requests{(status is null ? "" : $" that are {status}")}")}\n"
                : isFirst ? text
                : text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
            isFirst = false;
            cursor = page.Cursor ?? "";
        }

        if (cursor.Length > 0)
        {
            await host.Error.WriteLineAsync($"there are more: add --cursor {cursor}, or --all");
        }
    }

    private static string Ago(CliHost host, string time) =>
        DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment) ? $"{Elapsed.Format(host.Time.GetUtcNow() - moment)} ago" : "-";

    private static string Text(JsonElement value, string key) =>
        value.TryGetProperty(key, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
}
