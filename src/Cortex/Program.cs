return await Cortex.Cli.CommandLine.RunAsync(args);
