using Cortex.Cli;
#if !CLI_ONLY
using Cortex.Server;
#endif

if (args is not ["server", ..])
{
    // Nobody would read what the HTTP client measures.
    AppContext.SetSwitch("System.Diagnostics.Metrics.Meter.IsSupported", false);
    AppContext.SetSwitch("System.Net.Http.EnableActivityPropagation", false);
    return await CommandLine.RunAsync(args);
}

#if CLI_ONLY
await Console.Error.WriteLineAsync("error: this is the command line alone; a cluster's server runs on Linux, from the release for it");
return 1;
#else
// Read once, at the first use of a socket: completions run on the thread that saw them instead of taking a detour
// through the thread pool, which is worth a third of the gateway's throughput. Not for the command line, which may wait on a
// thread for an answer, and that thread must not be the one that sees it come.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
return await ServerCommand.RunAsync(args[1..]);
#endif
