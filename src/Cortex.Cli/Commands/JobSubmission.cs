using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>What the flags of <c>job submit</c> say about the job; null for what was not given.</summary>
internal sealed record JobFlags
{
    public string[] Config { get; init; } = [];

    public long? Timeout { get; init; }

    public int? Priority { get; init; }

    public int? Workers { get; init; }

    public int? BatchSize { get; init; }

    public int? MaxReceiveCount { get; init; }

    /// <summary>Whether any of them changes a submission.</summary>
    public bool Any => Config.Length > 0 || (Timeout ?? Priority ?? Workers ?? BatchSize ?? (long?)MaxReceiveCount) is not null;
}

/// <summary>A submission as it is sent. The caller disposes of the body.</summary>
/// <param name="Query">Settings beside the body; empty when they are in it.</param>
/// <param name="Body">The submission, or the items alone.</param>
internal sealed record JobSubmission(IReadOnlyList<KeyValuePair<string, string>> Query, HttpContent Body)
{
    private static readonly string[] Sources = ["item_list", "file_path_lister", "delimited_files"];

    // What is not ASCII stays as short as it was; the size of a submission is bounded.
    private static readonly JsonSerializerOptions Short = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether a file holds the items of a batch job, one after the other, instead of a submission.</summary>
    public static bool HoldsItems(string? file) => file is not null && Path.GetExtension(file).ToUpperInvariant() is ".NDJSON" or ".JSONL";

    /// <summary>A JSON submission. Flags win over the file.</summary>
    /// <param name="host">Where files and standard input are.</param>
    /// <param name="file">A path, <c>-</c> for standard input, or null for an empty submission.</param>
    /// <param name="flags">The flags.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="CortexException">The file is missing or holds no JSON object.</exception>
    public static async Task<JobSubmission> ReadAsync(CliHost host, string? file, JobFlags flags, CancellationToken cancellationToken)
    {
        var text = file is null ? "{}" : file == "-" ? await host.In.ReadToEndAsync(cancellationToken) : await ReadFileAsync(host, file, cancellationToken);
        var body = Parse(text, file ?? "");
        if (flags.Any)
        {
            Merge(body, flags);
        }

        return new([], new StringContent(body.ToJsonString(Short), Encoding.UTF8, "application/json"));
    }

    /// <summary>Items that are sent while they are read.</summary>
    /// <exception cref="CortexException">The file is missing, or a flag has no meaning here.</exception>
    public static JobSubmission OfItems(CliHost host, string file, JobFlags flags)
    {
        var query = new List<KeyValuePair<string, string>>();
        void Add(string name, long? value)
        {
            if (value is not null)
            {
                query.Add(new(name, value.Value.ToString(CultureInfo.InvariantCulture)));
            }
        }

        Add("workers", flags.Workers ?? 1);
        Add("batch_size", flags.BatchSize ?? 1);
        Add("timeout", flags.Timeout);
        Add("max_receive_count", flags.MaxReceiveCount);
        if (flags.Config.Length > 0)
        {
            var config = new JsonObject();
            AddConfig(config, flags.Config);
            query.Add(new("config", config.ToJsonString(Short)));
        }

        var items = new StreamContent(file == "-" ? host.OpenInput() : OpenFile(host, file), 64 * 1024);
        items.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        return new(query, items);
    }

    private static FileStream OpenFile(CliHost host, string file)
    {
        var path = host.FullPath(file);
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 64 * 1024, useAsync: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, exception);
        }
    }

    private static async Task<string> ReadFileAsync(CliHost host, string file, CancellationToken cancellationToken)
    {
        var path = host.FullPath(file);
        try
        {
            return await File.ReadAllTextAsync(path, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, exception);
        }
    }

    private static CortexException Unreadable(string path, Exception exception) => exception is FileNotFoundException or DirectoryNotFoundException
        ? new("cli.invalid_submission", $"there is no file {path}", exception)
        : new("cli.invalid_submission", Directory.Exists(path) ? $"{path} is a directory; name a file in it" : $"{path} can't be read: {exception.Message}", exception);

    private static JsonObject Parse(string text, string file)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject ?? throw new CortexException("cli.invalid_submission", $"{file} must hold a JSON object such as {{\"timeout\": 60, \"config\": {{}}}}");
        }
        catch (JsonException exception)
        {
            throw new CortexException("cli.invalid_submission", $"{file} is not valid JSON: {exception.Message}; the items of a batch job go into a file that ends with .ndjson", exception);
        }
    }

    private static void Merge(JsonObject body, JobFlags flags)
    {
        Set(body, "timeout", flags.Timeout);
        Set(body, "priority", flags.Priority);
        Set(body, "workers", flags.Workers);
        if (flags.BatchSize is not null)
        {
            var source = Sources.Select(name => body[name]).OfType<JsonObject>().FirstOrDefault()
                ?? throw new CortexException("cli.invalid_submission", $"--batch-size needs a submission with one of {string.Join(", ", Sources)}");
            Set(source, "batch_size", flags.BatchSize);
        }

        if (flags.MaxReceiveCount is not null)
        {
            var queue = body["sqs_dead_letter_queue"] as JsonObject ?? body["dead_letter_queue"] as JsonObject;
            if (queue is null)
            {
                body["dead_letter_queue"] = queue = [];
            }

            Set(queue, "max_receive_count", flags.MaxReceiveCount);
        }

        if (flags.Config.Length > 0)
        {
            if (body["config"] is not JsonObject entries)
            {
                body["config"] = entries = [];
            }

            AddConfig(entries, flags.Config);
        }
    }

    private static void Set(JsonObject target, string key, long? value)
    {
        if (value is not null)
        {
            target[key] = JsonValue.Create(value.Value);
        }
    }

    private static void AddConfig(JsonObject entries, string[] config)
    {
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
