namespace Cortex.Operator.Endpoints;

/// <summary>The description of the HTTP API. It is written by hand; a test holds its paths against the routes.</summary>
internal static class OpenApiDocument
{
    private static readonly Lazy<string> _text = new(() =>
    {
        using var reader = new StreamReader(typeof(OpenApiDocument).Assembly.GetManifestResourceStream("openapi.json")!);
        return reader.ReadToEnd();
    });

    /// <summary>An OpenAPI 3.1 document in JSON.</summary>
    public static string Text => _text.Value;
}
