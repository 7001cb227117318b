using System.Text.Json;
using System.Text.Unicode;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch.Items;

namespace Cortex.Jobs.Batch.Submissions;

/// <summary>
/// Reads the JSON of a submission by the contract's rules: names in any case, unknown ones ignored, null keeps the zero, integers only as
/// integer literals, nothing after the value.
/// </summary>
internal static class SubmissionJson
{
    private delegate void ReadField(ref Utf8JsonReader json, string name);

    private delegate T ReadElement<T>(ref Utf8JsonReader json, string path);

    /// <summary>Reads a body.</summary>
    /// <exception cref="CortexException">It is empty, no JSON, or has values of wrong types.</exception>
    public static SubmissionDraft Read(ReadOnlyMemory<byte> body)
    {
        if (body.Span.IndexOfAnyExcept(" \t\r\n"u8) < 0)
        {
            throw new CortexException(BatchErrorKinds.Other, "the request has no body; send a JSON object that describes the job");
        }

        if (!Utf8.IsValid(body.Span))
        {
            throw new CortexException(BatchErrorKinds.Other, "the request body is not valid JSON: it holds bytes that are not UTF-8");
        }

        var draft = new SubmissionDraft();
        try
        {
            var json = new Utf8JsonReader(body.Span, new JsonReaderOptions { MaxDepth = JsonValueReader.MaxDepth });
            json.Read();
            ReadObject(ref json, "the request body", (ref json, name) => ReadSubmission(ref json, name, draft, body));
            json.Read();   // nothing may follow
        }
        catch (JsonException exception)
        {
            throw new CortexException(BatchErrorKinds.Other, $"the request body is not valid JSON: {exception.Message}", exception);
        }
        catch (InvalidOperationException exception)
        {
            // How the framework says that a string holds half a surrogate pair.
            throw new CortexException(BatchErrorKinds.Other, $"the request body holds text that is not Unicode: {exception.Message}", exception);
        }

        return draft;
    }

    /// <summary>Reads a JSON object for <c>config</c>.</summary>
    /// <exception cref="CortexException">It is none.</exception>
    public static JsonElement? ReadConfig(ReadOnlySpan<byte> text)
    {
        try
        {
            var json = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = JsonValueReader.MaxDepth });
            json.Read();
            var config = Config(ref json, "config");
            json.Read();
            return config;
        }
        catch (JsonException exception)
        {
            throw new CortexException(BatchErrorKinds.Other, $"config is not valid JSON: {exception.Message}", exception);
        }
    }

    private static void ReadSubmission(ref Utf8JsonReader json, string name, SubmissionDraft draft, ReadOnlyMemory<byte> body)
    {
        switch (name)
        {
            case "WORKERS":
                draft.Workers = Integer(ref json, "workers") ?? draft.Workers;
                break;
            case "TIMEOUT":
                draft.Timeout = Integer(ref json, "timeout");
                break;
            case "CONFIG":
                draft.Config = Config(ref json, "config");
                break;
            case "SQS_DEAD_LETTER_QUEUE":
                draft.SqsDeadLetterQueue = DeadLetters(ref json, "sqs_dead_letter_queue", draft.SqsDeadLetterQueue);
                break;
            case "DEAD_LETTER_QUEUE":
                draft.DeadLetterQueue = DeadLetters(ref json, "dead_letter_queue", draft.DeadLetterQueue);
                break;
            case "ITEM_LIST":
                draft.ItemList = Source(ref json, "item_list", draft.ItemList, body);
                break;
            case "FILE_PATH_LISTER":
                draft.FilePathLister = Source(ref json, "file_path_lister", draft.FilePathLister, body);
                break;
            case "DELIMITED_FILES":
                draft.DelimitedFiles = Source(ref json, "delimited_files", draft.DelimitedFiles, body);
                break;
            default:
                json.Skip();
                break;
        }
    }

    private static DeadLetterDraft? DeadLetters(ref Utf8JsonReader json, string path, DeadLetterDraft? before)
    {
        if (json.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        var draft = before ?? new DeadLetterDraft();
        ReadObject(ref json, path, (ref json, name) =>
        {
            switch (name)
            {
                case "ARN":
                    draft.Arn = Text(ref json, $"{path}: arn") ?? draft.Arn;
                    break;
                case "MAX_RECEIVE_COUNT":
                    draft.MaxReceiveCount = Integer(ref json, $"{path}: max_receive_count") ?? draft.MaxReceiveCount;
                    break;
                default:
                    json.Skip();
                    break;
            }
        });
        return draft;
    }

    private static SourceDraft? Source(ref Utf8JsonReader json, string path, SourceDraft? before, ReadOnlyMemory<byte> body)
    {
        if (json.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        // Only the fields that the source has, so that others' types are not looked at.
        var isList = path == "item_list";
        var draft = before ?? new SourceDraft();
        ReadObject(ref json, path, (ref json, name) =>
        {
            switch (name)
            {
                case "ITEMS" when isList:
                    draft.Items = List(ref json, $"{path}: items", (ref json, _) => Raw(ref json, body));
                    break;
                case "S3_PATHS" when !isList:
                    draft.S3Paths = List(ref json, $"{path}: s3_paths", TextOrEmpty);
                    break;
                case "PATHS" when !isList:
                    draft.Paths = List(ref json, $"{path}: paths", TextOrEmpty);
                    break;
                case "INCLUDES" when !isList:
                    draft.Includes = List(ref json, $"{path}: includes", TextOrEmpty);
                    break;
                case "EXCLUDES" when !isList:
                    draft.Excludes = List(ref json, $"{path}: excludes", TextOrEmpty);
                    break;
                case "BATCH_SIZE":
                    draft.BatchSize = Integer(ref json, $"{path}: batch_size") ?? draft.BatchSize;
                    break;
                default:
                    json.Skip();
                    break;
            }
        });
        return draft;
    }

    // Calls back with the reader on each value and the field's name in upper case.
    private static void ReadObject(ref Utf8JsonReader json, string path, ReadField read)
    {
        if (json.TokenType == JsonTokenType.Null)
        {
            return;
        }

        if (json.TokenType != JsonTokenType.StartObject)
        {
            throw Wrong(ref json, path, "an object");
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            var name = json.GetString()!.ToUpperInvariant();
            json.Read();
            read(ref json, name);
        }
    }

    private static List<T> List<T>(ref Utf8JsonReader json, string path, ReadElement<T> read)
    {
        var list = new List<T>();
        if (json.TokenType == JsonTokenType.Null)
        {
            return list;
        }

        if (json.TokenType != JsonTokenType.StartArray)
        {
            throw Wrong(ref json, path, "a list");
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            list.Add(read(ref json, $"{path}: index {list.Count}"));
        }

        return list;
    }

    private static ReadOnlyMemory<byte> Raw(ref Utf8JsonReader json, ReadOnlyMemory<byte> body)
    {
        var start = (int)json.TokenStartIndex;
        json.Skip();
        return body[start..(int)json.BytesConsumed];
    }

    private static long? Integer(ref Utf8JsonReader json, string path) => json.TokenType switch
    {
        JsonTokenType.Null => null,
        JsonTokenType.Number when json.TryGetInt64(out var value) => value,
        _ => throw Wrong(ref json, path, "an integer"),
    };

    private static string? Text(ref Utf8JsonReader json, string path) => json.TokenType switch
    {
        JsonTokenType.Null => null,
        JsonTokenType.String => json.GetString(),
        _ => throw Wrong(ref json, path, "a string"),
    };

    private static string TextOrEmpty(ref Utf8JsonReader json, string path) => Text(ref json, path) ?? "";

    private static JsonElement? Config(ref Utf8JsonReader json, string path) => json.TokenType switch
    {
        JsonTokenType.Null => null,
        JsonTokenType.StartObject => JsonElement.ParseValue(ref json),
        _ => throw Wrong(ref json, path, "an object"),
    };

    private static CortexException Wrong(ref Utf8JsonReader json, string path, string wanted)
    {
        var found = json.TokenType switch
        {
            JsonTokenType.StartObject => "an object",
            JsonTokenType.StartArray => "a list",
            JsonTokenType.String => "a string",
            JsonTokenType.Number => $"the number {System.Text.Encoding.UTF8.GetString(json.ValueSpan[..Math.Min(json.ValueSpan.Length, 40)])}",
            _ => json.TokenType.ToString().ToLowerInvariant(),
        };
        return new(BatchErrorKinds.Other, $"{path}: must be {wanted}, not {found}");
    }
}
