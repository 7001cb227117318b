using System.Net.Http.Headers;
using System.Text;
using Cortex.Core.Errors;

namespace Cortex.Cli.Async;

/// <summary>What is submitted: a file, standard input or a text.</summary>
/// <param name="Stream">The bytes; those of a file and of standard input are read while they are sent.</param>
/// <param name="ContentType">What it most likely is.</param>
internal sealed record Payload(UploadStream Stream, string ContentType)
{
    private const string Json = "application/json";
    private const string Binary = "application/octet-stream";

    /// <summary>Opens what the command line names.</summary>
    /// <exception cref="CortexException">It names nothing, or two things, or there is no such file.</exception>
    public static Payload Open(CliHost host, string? file, string? data)
    {
        if ((file is null) == (data is null))
        {
            throw new CortexException("error", file is null
                ? "what is to be submitted? Name a FILE, or - for standard input, or give --data TEXT"
                : "both a FILE and --data were given; leave one out");
        }

        if (data is not null)
        {
            var bytes = Encoding.UTF8.GetBytes(data);
            return new Payload(new UploadStream(new MemoryStream(bytes, writable: false)), LooksLikeJson(bytes) ? Json : "text/plain; charset=utf-8");
        }

        if (file == "-")
        {
            return new Payload(new UploadStream(host.OpenInput()), Json);
        }

        var path = host.FullPath(file!);
        try
        {
            return new Payload(new UploadStream(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 64 * 1024, useAsync: true)), OfExtension(path));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CortexException("error", $"there is no file {path}; use --data to submit a text", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new CortexException("error", Directory.Exists(path) ? $"{path} is a directory; name a file in it" : $"{path} can't be read: {exception.Message}", exception);
        }
    }

    /// <summary>The body of a request, with its length when that is known before.</summary>
    public HttpContent ToContent(string? contentType)
    {
        var content = new StreamContent(Stream, 64 * 1024);
        content.Headers.TryAddWithoutValidation("Content-Type", contentType ?? ContentType);
        if (content.Headers.ContentType is null && contentType is not null && !MediaTypeHeaderValue.TryParse(contentType, out _))
        {
            throw new CortexException("error", $"\"{contentType}\" is not a content type; write it like application/json");
        }

        return content;
    }

    private static bool LooksLikeJson(ReadOnlySpan<byte> bytes)
    {
        var text = bytes.TrimStart(" \t\r\n"u8);
        return text.Length > 0 && text[0] is (byte)'{' or (byte)'[' or (byte)'"';
    }

    private static string OfExtension(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".JSON" => Json,
        ".TXT" => "text/plain; charset=utf-8",
        ".CSV" => "text/csv",
        ".JPG" or ".JPEG" => "image/jpeg",
        ".PNG" => "image/png",
        ".WAV" => "audio/wav",
        ".MP3" => "audio/mpeg",
        ".MP4" => "video/mp4",
        ".PDF" => "application/pdf",
        _ => Binary,
    };
}
