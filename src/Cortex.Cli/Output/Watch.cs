using System.CommandLine;
using System.Globalization;
using Cortex.Core.Errors;

namespace Cortex.Cli.Output;

/// <summary>Shows something once, or every two seconds in place.</summary>
internal static class Watch
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(CliHost host, ParseResult parsed, bool repeat, Func<CancellationToken, Task<Rendered>> render, CancellationToken cancellationToken)
    {
        if (!repeat)
        {
            return Show(host, await render(cancellationToken), prefix: "");
        }

        var width = host.TerminalWidth() ?? throw new CortexException("cli.no_terminal_width", "--watch needs a terminal; leave it out to print once");
        var words = string.Join(' ', parsed.Tokens.Select(token => token.Value).Where(word => word is not ("-w" or "--watch")));
        try
        {
            for (var prefix = "\e[2J"; ; prefix = "")
            {
                var rendered = await render(cancellationToken);
                var header = Header($"$ cortex {words}", LocalTime(host.Time), host.TerminalWidth() ?? width);
                var exitCode = Show(host, rendered with { Text = InPlace($"{header}\n\n{rendered.Text.TrimEnd('\n')}") }, prefix + "\e[H");
                if (exitCode != ExitCodes.Success)
                {
                    return exitCode;
                }

                if (rendered.IsFinal)
                {
                    host.Out.WriteLine();
                    return ExitCodes.Success;
                }

                await Task.Delay(Interval, host.Time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Ctrl-C is how watching ends.
            return ExitCodes.Success;
        }
    }

    /// <summary>The command on the left, the time on the right.</summary>
    public static string Header(string command, string time, int width) =>
        command + new string(' ', Math.Max(1, width - command.Length - time.Length)) + time;

    // Each line first clears what stood there before, and the end clears what is below.
    private static string InPlace(string text) => text.Replace("\n", "\e[K\n", StringComparison.Ordinal) + "\e[K\n\e[J";

    private static string LocalTime(TimeProvider time)
    {
        var now = time.GetLocalNow();
        var name = time.LocalTimeZone.IsDaylightSavingTime(now) ? time.LocalTimeZone.DaylightName : time.LocalTimeZone.StandardName;

        // Some systems only have long names, such as "Coordinated Universal Time".
        var zone = !name.Contains(' ', StringComparison.Ordinal) ? name : now.Offset == TimeSpan.Zero ? "UTC" : now.ToString("zzz", CultureInfo.InvariantCulture);
        return now.ToString("h:mm:sstt ", CultureInfo.InvariantCulture).ToLowerInvariant() + zone;
    }

    private static int Show(CliHost host, Rendered rendered, string prefix)
    {
        if (rendered.Text.Length > 0)
        {
            host.Out.Write(prefix + rendered.Text + (prefix.Length > 0 || rendered.Text.EndsWith('\n') ? "" : "\n"));
        }

        if (rendered.Error.Length > 0)
        {
            host.ReportError(rendered.Error);
        }

        return rendered.ExitCode;
    }
}
