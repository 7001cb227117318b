using System.Diagnostics;
using Cortex.Bench.Queues;

// queues-bench [folder] [submit|cycles|retention|million]...   The store alone, in process. The folder is on the disk to be measured.
// queues-bench fill|open FILE                        Parts of `million`, each in a process of its own.
if (args is [("fill" or "open") and var part, var file])
{
    await (part == "fill" ? Million.FillAndDieAsync(file) : Million.OpenAsync(file));
    return 0;
}

var folder = Path.Combine(args.FirstOrDefault() ?? Path.GetTempPath(), $"queues-bench-{Environment.ProcessId}");
var wanted = args.Length > 1 ? args[1..] : ["submit", "cycles", "retention", "million"];
Directory.CreateDirectory(folder);
try
{
    Console.WriteLine($"{"",-40}{"per s",10}{"p50 ms",10}{"p99 ms",10}{"p99.9",10}{"max",10}");
    if (wanted.Contains("submit"))
    {
        foreach (var clients in new[] { 1, 16, 64, 256 })
        {
            await Rates.SubmitAsync(Path.Combine(folder, $"submit-{clients}.db"), clients, TimeSpan.FromSeconds(6));
        }
    }

    if (wanted.Contains("cycles"))
    {
        await Rates.CyclesAsync(Path.Combine(folder, "cycles.db"), TimeSpan.FromSeconds(15));
        await Rates.WakeAsync(Path.Combine(folder, "wake.db"));
    }

    if (wanted.Contains("retention"))
    {
        await Rates.RetentionAsync(Path.Combine(folder, "retention.db"));
    }

    if (wanted.Contains("million"))
    {
        var database = Path.Combine(folder, "million.db");
        foreach (var step in new[] { "fill", "open" })
        {
            using var child = Process.Start(Environment.ProcessPath!, [step, database]);
            await child.WaitForExitAsync();
        }
    }
}
finally
{
    Directory.Delete(folder, recursive: true);
}

return 0;
