using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Cortex.Cli.Async;
using Cortex.Cli.Output;
using Cortex.Client;

namespace Cortex.Cli.Commands;

/// <summary>The tree of all commands.</summary>
internal static class CortexCommand
{
    public static Command Create(CliHost host)
    {
        var root = new Command("cortex", "deploy and serve models in containers");
        root.Add(DeployCommand.Create(host));
        root.Add(GetCommand.Create(host));
        root.Add(DescribeCommand.Create(host));
        root.Add(LogsCommand.Create(host));
        root.Add(RefreshCommand.Create(host));
        root.Add(RollbackCommand.Create(host));
        root.Add(DeleteCommand.Create(host));
        root.Add(Group("async", "submit requests to Async APIs and fetch their results",
            AsyncSubmitCommand.Create(host),
            AsyncGetCommand.Create(host),
            AsyncResultCommand.Create(host),
            AsyncListCommand.Create(host),
            AsyncCancelCommand.Create(host),
            AsyncRetryCommand.Create(host)));
        root.Add(Group("job", "submit jobs of batch and task APIs; get, logs and delete take a job's id too",
            JobSubmitCommand.Create(host),
            JobDeadLettersCommand.Create(host),
            JobRetryCommand.Create(host)));
        root.Add(Group("cluster", "manage the cluster on this machine",
            ClusterUpCommand.Create(host),
            ClusterInfoCommand.Create(host),
            ClusterConfigureCommand.Create(host),
            ClusterDownCommand.Create(host),
            ClusterExportCommand.Create(host),
            ClusterHealthCommand.Create(host)));
        root.Add(Group("env", "manage environments, the named operators that commands talk to",
            EnvConfigureCommand.Create(host),
            EnvListCommand.Create(host),
            EnvDefaultCommand.Create(host),
            EnvRenameCommand.Create(host),
            EnvDeleteCommand.Create(host)));
        root.Add(VersionCommand.Create(host));
        root.Add(CompletionCommand.Create(host));
        root.Add(HelpCommand.Create(host, root));
        root.Add(CommonOptions.Insecure());
        root.Add(new Option<bool>("--version") { Description = "print the version of this program", Action = new ShowVersion() });
        root.Add(new HelpOption("--help", "-h") { Description = "show this help", Action = new CommandHelp() });
        ShowHelpWhenBare(root);
        RefuseUnknownFlags(root);
        return root;
    }

    // The parser would take a misspelt flag for the name of an API.
    private static void RefuseUnknownFlags(Command command)
    {
        foreach (var argument in command.Arguments)
        {
            argument.Validators.Add(result =>
            {
                if (result.Tokens.Select(token => token.Value).FirstOrDefault(UsageErrors.IsFlag) is { } flag)
                {
                    result.AddError(UsageErrors.UnknownFlag(command, flag));
                }
            });
        }

        foreach (var each in command.Subcommands)
        {
            RefuseUnknownFlags(each);
        }
    }

    private static Command Group(string name, string description, params Command[] commands)
    {
        var group = new Command(name, description);
        foreach (var command in commands)
        {
            group.Add(command);
        }

        ShowHelpWhenBare(group);
        return group;
    }

    private static void ShowHelpWhenBare(Command command) => command.SetAction(parsed => new CommandHelp().Invoke(parsed));

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.Write($"cortex {ProductVersion.Current}\n");
            return ExitCodes.Success;
        }
    }
}
