using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cortex.Cli.Client;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Core.Errors;
using Cortex.Core.Units;

namespace Cortex.Cli.Commands;

/// <summary>Submits a job of a Task or Batch API and, when asked to, waits for its end.</summary>
internal static class JobSubmitCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.ApiName();
        var file = new Option<string?>("--file", "-f") { Description = "the submission as JSON; - reads standard input", HelpName = "FILE" };
        var config = new Option<string[]>("--config", "-c")
        {
            Description = "an entry of the job's config; a value that is JSON is taken as such, any other as text (repeatable)",
            HelpName = "KEY=VALUE",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };
        var timeout = new Option<long?>("--timeout")
        {
            Description = "end the job after this time from now, such as 90s or 2h; whole seconds",
            HelpName = "DURATION",
            CustomParser = result =>
            {
                if (GoDuration.TryParse(result.Tokens[0].Value, out var duration) && duration >= TimeSpan.FromSeconds(1))
                {
                    return (long)Math.Ceiling(duration.TotalSeconds);
                }

                result.AddError($"--timeout is a duration of a second or more, such as 90s or 2h, not \"{result.Tokens[0].Value}\"");
                return null;
            },
        };
        var priority = new Option<int?>("--priority") { Description = "jobs of a higher priority start first; 0 to 9 [default: the API's own]", HelpName = "N" };
        var wait = new Option<bool>("--wait") { Description = "wait for the job's end, and end as it did" };
        var env = CommonOptions.Env();
        var output = CommonOptions.Output();
        var command = new Command("submit", "submit a job") { name, file, config, timeout, priority, wait, env, output };
        config.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => token.Value.IndexOf('=', StringComparison.Ordinal) < 1) is { } wrong)
            {
                result.AddError($"--config is KEY=VALUE, not \"{wrong.Value}\"");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var format = parsed.GetValue(output);
            var body = await ReadAsync(host, parsed.GetValue(file), cancellationToken);
            Merge(body, parsed.GetValue(config) ?? [], parsed.GetValue(timeout), parsed.GetValue(priority));
            var environment = await EnvironmentResolver.ResolveAsync(host, parsed.GetValue(env), format == OutputFormat.Pretty, cancellationToken);
            using var client = new OperatorClient(host, environment);
            var apiName = parsed.GetValue(name)!;
            var kind = (await client.GetAsync(apiName, cancellationToken)).Metadata?.Kind;
            var job = await client.SubmitJobAsync(kind, apiName, body.ToJsonString(), cancellationToken);
            var jobId = JobTables.Text(job, "job_id");
            if (format == OutputFormat.Pretty)
            {
                host.Out.WriteLine($"submitted job {jobId} of {apiName}");
            }

            if (!parsed.GetValue(wait))
            {
                if (format != OutputFormat.Pretty)
                {
                    Answer.Write(host, format, job);
                }

                return ExitCodes.Success;
            }

            var ended = await JobWait.RunAsync(host, client, kind, apiName, jobId, cancellationToken);
            if (format != OutputFormat.Pretty)
            {
                Answer.Write(host, format, ended);
            }
            else
            {
                Print(host, apiName, ended.GetProperty("job_status"));
            }

            return JobWait.ExitCode(ended.GetProperty("job_status"));
        });
        return command;
    }

    private static void Print(CliHost host, string apiName, JsonElement job)
    {
        var status = JobTables.Text(job, "status");
        var line = $"job {JobTables.Text(job, "job_id")} of {apiName}: {JobStatusText.Of(status)} after {JobTables.Duration(job, host.Time)}";
        var message = JobTables.Text(job, "message");
        host.Out.WriteLine(message.Length > 0 ? $"{line}: {message}" : line);
        if (status != "succeeded")
        {
            host.Out.Write(JobView.LastLines(job, host.Style));
        }
    }

    private static async Task<JsonObject> ReadAsync(CliHost host, string? file, CancellationToken cancellationToken)
    {
        if (file is null)
        {
            return [];
        }

        var text = file == "-" ? await host.In.ReadToEndAsync(cancellationToken) : await File.ReadAllTextAsync(Path.Combine(host.WorkingDirectory, file), cancellationToken);
        try
        {
            return JsonNode.Parse(text) as JsonObject ?? throw new CortexException("cli.invalid_submission", $"{file} must hold a JSON object such as {{\"timeout\": 60, \"config\": {{}}}}");
        }
        catch (JsonException exception)
        {
            throw new CortexException("cli.invalid_submission", $"{file} is not valid JSON: {exception.Message}", exception);
        }
    }

    // Flags win over the file.
    private static void Merge(JsonObject body, string[] config, long? timeout, int? priority)
    {
        if (timeout is not null)
        {
            body["timeout"] = JsonValue.Create(timeout.Value);
        }

        if (priority is not null)
        {
            body["priority"] = JsonValue.Create(priority.Value);
        }

        if (config.Length == 0)
        {
            return;
        }

        if (body["config"] is not JsonObject entries)
        {
            body["config"] = entries = [];
        }

        foreach (var entry in config)
        {
            var equals = entry.IndexOf('=', StringComparison.Ordinal);
            entries[entry[..equals]] = Value(entry[(equals + 1)..]);
        }
    }

    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }
}
