namespace Cortex.Cli;

/// <summary>The entry of the command line.</summary>
public static class CommandLine
{
    /// <summary>Runs one command and returns the exit code.</summary>
    public static Task<int> RunAsync(string[] args)
    {
        Console.Error.WriteLine(args.Length == 0 ? "cortex" : args[0]);
        return Task.FromResult(2);
    }
}
