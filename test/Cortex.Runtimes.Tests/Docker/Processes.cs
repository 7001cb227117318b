namespace Cortex.Runtimes.Tests.Docker;

/// <summary>The processes of this machine, those in containers included.</summary>
internal static class Processes
{
    /// <summary>Whether a command runs.</summary>
    public static bool Run(params string[] command) => Count(command) > 0;

    /// <summary>How many processes of exactly this command line there are.</summary>
    public static int Count(params string[] command)
    {
        var line = string.Concat(command.Select(word => word + '\0'));
        return Directory.EnumerateDirectories("/proc").Count(process =>
        {
            try
            {
                return File.ReadAllText(Path.Combine(process, "cmdline")) == line;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return false;   // it has ended, or is no process
            }
        });
    }
}
