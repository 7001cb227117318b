namespace Cortex.Cli.Output;

/// <summary>Questions to the person at the terminal. They go to the error stream: standard output is for answers.</summary>
internal static class Prompt
{
    /// <summary>Asks until the answer is y or n. The end of the input counts as no.</summary>
    public static async Task<bool> ConfirmAsync(CliHost host, string question, CancellationToken cancellationToken)
    {
        while (true)
        {
            switch ((await ReadAsync(host, $"{question} (y/n): ", cancellationToken))?.Trim().ToLowerInvariant())
            {
                case "y":
                    return true;
                case "n" or null:
                    return false;
            }
        }
    }

    /// <summary>Asks for a line of text; an empty one takes the default. Null at the end of the input.</summary>
    public static async Task<string?> AskAsync(CliHost host, string question, string? defaultAnswer, CancellationToken cancellationToken)
    {
        while (true)
        {
            var answer = await ReadAsync(host, defaultAnswer is null ? $"{question}: " : $"{question} [{defaultAnswer}]: ", cancellationToken);
            if (answer is null || answer.Trim().Length > 0)
            {
                return answer?.Trim();
            }

            if (defaultAnswer is not null)
            {
                return defaultAnswer;
            }
        }
    }

    private static async Task<string?> ReadAsync(CliHost host, string question, CancellationToken cancellationToken)
    {
        await host.Error.WriteAsync(question);
        try
        {
            // Reading a terminal can't be cancelled, so it happens elsewhere and is left behind on Ctrl-C.
            return await Task.Run(host.In.ReadLine, cancellationToken).WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await host.Error.WriteLineAsync();
            throw new PromptInterruptedException();
        }
    }
}

/// <summary>Ctrl-C at a prompt: the answer is no, and nothing more is said.</summary>
internal sealed class PromptInterruptedException : Exception;
