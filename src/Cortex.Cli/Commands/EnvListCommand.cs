using System.CommandLine;
using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Client.Calling;

namespace Cortex.Cli.Commands;

/// <summary>Lists the environments.</summary>
internal static class EnvListCommand
{
    public static Command Create(CliHost host)
    {
        var output = CommonOptions.Output();
        var command = new Command("list", "list the environments") { output };
        CommandHelp.AddExamples(command, "cortex env list", "cortex env list -o json");
        command.SetAction(parsed =>
        {
            var config = host.Config.Load();
            var format = parsed.GetValue(output);
            if (format != OutputFormat.Pretty)
            {
                var list = new EnvironmentList(config.DefaultEnvironment, [.. config.Environments.Select(each => new EnvironmentEntry(each.Name, each.OperatorEndpoint))]);
                Answer.Write(host, format, JsonSerializer.SerializeToElement(list, CliJson.Compact.EnvironmentList));
                return;
            }

            var blocks = config.Environments.Select(each =>
                $"{host.Style.Bold(each.Name == config.DefaultEnvironment ? $"{each.Name} (default)" : each.Name)}\ncortex operator endpoint: {each.OperatorEndpoint}{Trust(each)}");
            host.Out.WriteLine(config.Environments.Count == 0 ? "no environments are configured" : string.Join("\n\n", blocks));
        });
        return command;
    }

    private static string Trust(CortexEnvironment environment)
    {
        if (environment.Insecure)
        {
            return "\ncertificate: any (--insecure)";
        }

        if (environment.Certificate is null)
        {
            return "";
        }

        using var certificate = CertificateCheck.ReadPem(environment.Certificate, $"the {environment.Name} environment");
        return $"\ncertificate: {CertificateCheck.Describe(certificate)}";
    }
}
