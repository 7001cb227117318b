using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Cortex.Core.Errors;

namespace Cortex.Jobs.Tasks;

/// <summary>What somebody who submits a task job asks for.</summary>
public sealed record TaskSubmission
{
    /// <summary>Seconds from the submission after which the job is ended; null for no limit.</summary>
    public long? Timeout { get; init; }

    /// <summary>Jobs of a higher priority start first; 0-9; null for the API's own.</summary>
    public int? Priority { get; init; }

    /// <summary>The job's configuration: a JSON object, or null.</summary>
    public ReadOnlyMemory<byte> Config { get; init; } = "null"u8.ToArray();

    /// <summary>The time of the schedule's run that it is; null when somebody submits it. Not part of a body.</summary>
    public DateTimeOffset? ScheduledAt { get; init; }

    /// <summary>Reads the body of a submission.</summary>
    /// <exception cref="CortexException">It is not valid; the message says what and how to mend it.</exception>
    public static TaskSubmission Parse(ReadOnlyMemory<byte> body)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = JobJson.MaxDepth });
        }
        catch (JsonException exception)
        {
            throw new CortexException("error", body.Length == 0
                ? "the body is empty; send a JSON object, at least {}"
                : $"the body is not valid JSON: {exception.Message}", exception);
        }

        using (document)
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                throw new CortexException("error", $"the body must be a JSON object such as {{\"timeout\": 60, \"config\": {{}}}}, not {Describe(root)}");
            }

            if (Integer(root, "workers") is { } workers && workers != 1)
            {
                throw new CortexException("configreader.invalid_int", $"workers: invalid value (got {workers}, must be 1): a task job runs in one pod; leave it out");
            }

            var timeout = Integer(root, "timeout");
            if (timeout < 1)
            {
                throw new CortexException("configreader.must_be_greater_than_or_equal_to", $"timeout: must be 1 or more seconds (got {timeout}); leave it out for no limit");
            }

            var priority = Integer(root, "priority");
            if (priority is < 0 or > 9)
            {
                throw new CortexException("configreader.disallowed_value", $"priority: must be from 0 to 9 (got {priority})");
            }

            try
            {
                return new TaskSubmission { Timeout = timeout, Priority = (int?)priority, Config = ConfigOf(root) };
            }
            catch (InvalidOperationException exception)
            {
                throw new CortexException("error", "config: has an escape such as \\ud800 that stands for no character", exception);
            }
        }
    }

    private static byte[] ConfigOf(JsonElement root)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            switch (Find(root, "config"))
            {
                case null:
                    json.WriteNullValue();
                    break;
                case { ValueKind: JsonValueKind.Object } config:
                    config.WriteTo(json);
                    break;
                case { } other:
                    throw new CortexException("error", $"config: must be a JSON object, not {Describe(other)}");
            }
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static long? Integer(JsonElement root, string name) => Find(root, name) switch
    {
        null => null,

        // As Cortex 0.42: 2.0 and "2" are no integers.
        { ValueKind: JsonValueKind.Number } number when long.TryParse(number.GetRawText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) => value,
        { } other => throw new CortexException("error", $"{name}: must be an integer, not {Describe(other)}"),
    };

    // An exact name wins over one that differs in case; null is as good as absent.
    private static JsonElement? Find(JsonElement root, string name)
    {
        JsonElement? found = null;
        foreach (var property in root.EnumerateObject())
        {
            if (property.NameEquals(name))
            {
                found = property.Value;
                break;
            }

            if (found is null && property.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                found = property.Value;
            }
        }

        return found is { ValueKind: JsonValueKind.Null } ? null : found;
    }

    private static string Describe(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 40 ? text : text[..40] + "...";
    }
}
