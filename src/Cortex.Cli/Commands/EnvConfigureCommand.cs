using System.CommandLine;
using Cortex.Cli.Environments;
using Cortex.Cli.Output;
using Cortex.Client;
using Cortex.Client.Calling;
using Cortex.Client.Environments;
using Cortex.Core.Errors;

namespace Cortex.Cli.Commands;

/// <summary>Adds an environment or changes it.</summary>
internal static class EnvConfigureCommand
{
    public static Command Create(CliHost host)
    {
        var name = CommonOptions.OptionalEnvironmentName("the environment's name");
        var endpoint = new Option<string?>("--operator-endpoint", "-o") { Description = "the operator's address", HelpName = "URL" };
        var token = new Option<string?>("--token") { Description = $"the operator's bearer token [default: ${EnvironmentVariables.Token}, or the one stored for this address]", HelpName = "TOKEN" };
        var certificate = new Option<string?>("--certificate") { Description = "trust only this certificate of an https operator, or what it has issued (PEM)", HelpName = "FILE" };
        var noCheck = new Option<bool>("--no-check") { Description = "store it without asking the operator" };
        var command = new Command("configure", "add or change an environment; --insecure is stored with it") { name, endpoint, token, certificate, noCheck };
        CommandHelp.AddExamples(command,
            "cortex env configure prod -o https://cortex.example.com --token TOKEN",
            "cortex env configure prod -o https://10.0.0.5 --certificate operator.pem",
            "cortex env configure tunnel -o http://127.0.0.1:8888 --no-check");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var change = new EnvironmentChange
            {
                Name = parsed.GetValue(name),
                Endpoint = parsed.GetValue(endpoint),
                Token = parsed.GetValue(token),
                CertificateFile = parsed.GetValue(certificate),
                Insecure = host.Insecure,
                Unchecked = parsed.GetValue(noCheck),
            };
            await ConfigureAsync(host, change, host.Out, cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Asks for what is missing, checks that an operator answers there and takes the token, and stores the environment.</summary>
    public static async Task<CortexEnvironment> ConfigureAsync(CliHost host, EnvironmentChange change, TextWriter output, CancellationToken cancellationToken)
    {
        var name = change.Name ?? await AskAsync(host, "name of the environment", null, "ENVIRONMENT_NAME", cancellationToken);
        if (name.Length is 0 or > CortexEnvironment.LongestName)
        {
            throw new CortexException("error", $"an environment's name has 1 to {CortexEnvironment.LongestName} characters");
        }

        var config = host.Config.Load();
        var existing = config.Find(name);
        var endpoint = change.Endpoint ?? await AskAsync(host, "operator endpoint", existing?.OperatorEndpoint ?? host.Variable(EnvironmentVariables.Endpoint), "--operator-endpoint", cancellationToken);
        var address = OperatorEndpoint.Normalize(endpoint);

        // Token and trust belong to an operator: they are never carried over to another address.
        var known = existing?.OperatorEndpoint == address ? existing : null;
        var environment = new CortexEnvironment
        {
            Name = name,
            OperatorEndpoint = address,
            Token = change.Token ?? known?.Token ?? EnvironmentVariables.ReadToken(host.Surroundings),
            Certificate = change.CertificateFile is { } file ? ReadCertificate(host, file) : change.Insecure ? null : known?.Certificate,
            Insecure = change.CertificateFile is null && (change.Insecure || known is { Insecure: true }),
        };
        if (!change.Unchecked)
        {
            environment = await CheckAsync(host, environment, cancellationToken);
        }

        host.Config.Save(config.With(environment));
        await output.WriteLineAsync($"configured {name} environment");
        var url = new Uri(address);
        if (environment.Token is not null && url.Scheme == "http" && !url.IsLoopback)
        {
            await host.Error.WriteLineAsync($"note: {address} has no TLS, so the token travels in clear text");
        }

        return environment;
    }

    // The token goes to nobody who has not answered as an operator, and the operator is asked whether it takes it.
    private static async Task<CortexEnvironment> CheckAsync(CliHost host, CortexEnvironment environment, CancellationToken cancellationToken)
    {
        try
        {
            await VerifyAsync(host, environment, cancellationToken);
        }
        catch (CortexException exception) when (host.InputIsTerminal && environment.Certificate is null && CertificateRefusedException.Find(exception) is { Pem: { } pem })
        {
            using (var shown = CertificateCheck.ReadPem(pem, environment.OperatorEndpoint))
            {
                await host.Error.WriteLineAsync($"this machine does not trust the certificate of {environment.OperatorEndpoint}:\n  {CertificateCheck.Describe(shown)}\n  valid from {shown.NotBefore:yyyy-MM-dd} to {shown.NotAfter:yyyy-MM-dd}");
            }

            if (!await Prompt.ConfirmAsync(host, "trust this certificate, and no other, from now on?", cancellationToken))
            {
                throw new PromptInterruptedException();
            }

            environment = environment with { Certificate = pem };
            await VerifyAsync(host, environment, cancellationToken);
        }

        await CheckTokenAsync(host, environment, cancellationToken);
        return environment;
    }

    private static async Task VerifyAsync(CliHost host, CortexEnvironment environment, CancellationToken cancellationToken)
    {
        using var client = host.Connect(environment with { Token = null });
        await client.VerifyAsync(cancellationToken);
    }

    private static async Task CheckTokenAsync(CliHost host, CortexEnvironment environment, CancellationToken cancellationToken)
    {
        using var client = host.Connect(environment);
        var answer = await client.CheckTokenAsync(cancellationToken);
        if (answer is TokenAnswer.Refused)
        {
            throw new CortexException("cli.token_refused", $"the operator at {environment.OperatorEndpoint} refuses this token; `cluster up` has written the right one to ~/.cortex/clusters/<name>/token on the operator's machine (--no-check stores this one all the same)");
        }

        if (answer is TokenAnswer.Missing)
        {
            await host.Error.WriteLineAsync($"note: this operator asks for a token; give it with --token, or in ${EnvironmentVariables.Token}");
        }
    }

    private static string ReadCertificate(CliHost host, string file)
    {
        var path = host.FullPath(file);
        if (!File.Exists(path))
        {
            throw new CortexException("error", $"there is no file {path}");
        }

        // Only the certificate: a key in the same file is nobody's business here.
        using var certificate = CertificateCheck.ReadPem(File.ReadAllText(path), path);
        return certificate.ExportCertificatePem();
    }

    private static async Task<string> AskAsync(CliHost host, string question, string? defaultAnswer, string flag, CancellationToken cancellationToken) =>
        await Prompt.AskAsync(host, question, defaultAnswer, cancellationToken)
        ?? throw new CortexException("error", $"there is nobody to ask for the {question}; give {flag}");
}
