using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Core.Specs;

namespace Cortex.Cli.Commands;

/// <summary>Lists the batches that a batch job gave up.</summary>
internal static class JobDeadLettersCommand
{
    private const int DefaultLimit = 20;
    private const int MostOnAPage = 1000;
    private const int LongestCell = 60;

    public static Command Create(CliHost host)
    {
        var name = CommonOptions.ApiName();
        var job = new Argument<string>("JOB_ID") { Description = "the id of one of its jobs" };
        var limit = new Option<int?>("--limit", "-l") { Description = $"how many, 1 to {MostOnAPage} [default: {DefaultLimit}]", HelpName = "N" };
        limit.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var value) && value is < 1 or > MostOnAPage)
            {
                result.AddError($"--limit is 1 to {MostOnAPage}; --cursor goes on where a list ended");
            }
        });
        var cursor = new Option<string?>("--cursor") { Description = "go on where an earlier list ended", HelpName = "CURSOR" };
        var env = CommonOptions.Env();
        var output = CommonOptions.Output();
        var command = new Command("dead-letters", "list the batches that a batch job gave up") { name, job, limit, cursor, env, output };
        CommandHelp.AddExamples(command, "cortex job dead-letters score 6715ccc7077c27ff -o json | jq '.dead_letters[].batch'");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(output);
            var (apiName, jobId) = (parsed.GetValue(name)!, parsed.GetValue(job)!);
            using var client = await EnvironmentResolver.ConnectAsync(host, parsed.GetValue(env), format == OutputFormat.Pretty, cancellationToken);
            var page = await client.Jobs(apiName, ApiKind.BatchAPI).GetDeadLettersAsync(jobId, parsed.GetValue(limit) ?? DefaultLimit, parsed.GetValue(cursor), cancellationToken);
            if (format == OutputFormat.Pretty)
            {
                Print(host, apiName, jobId, page.Json);
            }
            else
            {
                Answer.Write(host, format, page.Json);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static void Print(CliHost host, string apiName, string jobId, JsonElement page)
    {
        var table = new Table("batch", "attempts", "last answer", "items") { Sorted = false };
        foreach (var letter in page.GetProperty("dead_letters").EnumerateArray())
        {
            var attempts = letter.GetProperty("attempts");
            var last = attempts.GetArrayLength() > 0 ? attempts[attempts.GetArrayLength() - 1] : default;
            table.Add(JobTables.Text(letter, "id"), attempts.GetArrayLength().ToString(CultureInfo.InvariantCulture), Shorten(Why(last)), Shorten(letter.TryGetProperty("batch", out var batch) ? batch.GetRawText() : "-"));
        }

        if (table.IsEmpty)
        {
            host.Out.WriteLine(host.Style.Bold($"job {jobId} of {apiName} gave up no batches"));
            return;
        }

        host.Out.Write(table.Render(host.Style));
        if (JobTables.Text(page, "cursor") is { Length: > 0 } next)
        {
            host.Error.WriteLine($"there are more: add --cursor {next}");
        }
    }

    private static string Why(JsonElement attempt)
    {
        if (attempt.ValueKind != JsonValueKind.Object)
        {
            return "-";
        }

        var status = JobTables.Number(attempt, "status");
        var said = JobTables.Text(attempt, "answer") is { Length: > 0 } answer ? answer : JobTables.Text(attempt, "message");
        return status > 0 ? string.Create(CultureInfo.InvariantCulture, $"{status} {said}").Trim() : said;
    }

    private static string Shorten(string text)
    {
        var line = string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character)).Trim();
        return line.Length <= LongestCell ? line : line[..(LongestCell - 3)] + "...";
    }
}
