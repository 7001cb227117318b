using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Core.Errors;

namespace Cortex.Cli.Async;

/// <summary>Tells what became of each of several requests, as it becomes known; one that can't be changed does not stop the others.</summary>
internal sealed class Outcomes(CliHost host, OutputFormat format)
{
    private int _done;
    private int _failed;

    /// <summary>Changes one request and tells of it.</summary>
    public async Task AddAsync(string id, Func<Task<JsonElement>> change)
    {
        JsonElement answer = default;
        string? error = null;
        try
        {
            answer = await change();
        }
        catch (CortexException exception) when (exception.Kind == ClientErrorKinds.RequestRefused)
        {
            error = exception.Message;
        }

        if (format == OutputFormat.Json)
        {
            var item = error is null ? answer.GetRawText() : $"{{\"id\":{Quote(id)},\"error\":{Quote(error)}}}";
            await host.Out.WriteAsync((_done + _failed == 0 ? "[" : ",") + item);
        }
        else if (error is null)
        {
            await host.Out.WriteLineAsync($"{id}: {(answer.TryGetProperty("status", out var status) ? status.GetString() : "changed")}");
        }
        else
        {
            host.ReportError(error);
        }

        _ = error is null ? _done++ : _failed++;
    }

    /// <summary>Ends the answer. 0 when every request was changed.</summary>
    public async Task<int> FinishAsync()
    {
        if (format == OutputFormat.Json)
        {
            await host.Out.WriteAsync(_done + _failed == 0 ? "[]" : "]");
        }
        else if (_done + _failed == 0)
        {
            await host.Out.WriteLineAsync("there are none");
        }

        return _failed == 0 ? ExitCodes.Success : ExitCodes.Failure;
    }

    private static string Quote(string text) => JsonSerializer.Serialize(text, CliJson.Compact.String);
}
