using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Docker;

/// <summary>Finds the credentials for a registry in Docker's own configuration file, helpers included.</summary>
internal sealed class RegistryCredentials(string configPath, TimeSpan helperTimeout, TimeProvider time)
{
    private const string HubKey = "https://index.docker.io/v1/";

    /// <summary>The content of <c>X-Registry-Auth</c>; null when the configuration has none for this registry.</summary>
    /// <exception cref="RegistryCredentialsException">The file or a helper is broken; the message says how to mend it.</exception>
    public async Task<string?> FindAsync(string registry, CancellationToken cancellationToken)
    {
        if (!File.Exists(configPath))
        {
            return null;
        }

        JsonDocument config;
        try
        {
            config = JsonDocument.Parse(await File.ReadAllTextAsync(configPath, cancellationToken));
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new RegistryCredentialsException($"can't read registry credentials from {configPath}: {error.Message}", error);
        }

        using (config)
        {
            var key = registry == "docker.io" ? HubKey : registry;
            var auth = Helper(config.RootElement, key) is { } helper
                ? await AskAsync(helper, key, cancellationToken)
                : Stored(config.RootElement, key);
            return auth is null
                ? null
                : Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(auth, EngineJson.Default.RegistryAuth)).Replace('+', '-').Replace('/', '_');
        }
    }

    private static string? Helper(JsonElement config, string key)
    {
        if (config.TryGetProperty("credHelpers", out var helpers) && helpers.ValueKind is JsonValueKind.Object
            && helpers.TryGetProperty(key, out var own) && own.ValueKind is JsonValueKind.String)
        {
            return own.GetString();
        }

        return config.TryGetProperty("credsStore", out var store) && store.ValueKind is JsonValueKind.String && store.GetString() is { Length: > 0 } name
            ? name
            : null;
    }

    private RegistryAuth? Stored(JsonElement config, string key)
    {
        if (!config.TryGetProperty("auths", out var auths) || auths.ValueKind is not JsonValueKind.Object)
        {
            return null;
        }

        // docker login writes bare host names, older versions wrote addresses.
        foreach (var entry in auths.EnumerateObject().Where(e => e.Name == key || HostOf(e.Name) == key))
        {
            var token = entry.Value.TryGetProperty("identitytoken", out var identity) ? identity.GetString() : null;
            if (!entry.Value.TryGetProperty("auth", out var auth) || auth.GetString() is not { Length: > 0 } encoded)
            {
                continue;
            }

            try
            {
                var pair = Encoding.UTF8.GetString(Convert.FromBase64String(encoded)).TrimEnd('\0');
                var colon = pair.IndexOf(':', StringComparison.Ordinal);
                if (colon > 0)
                {
                    return new RegistryAuth
                    {
                        Username = pair[..colon],
                        Password = token is null ? pair[(colon + 1)..] : null,
                        IdentityToken = token,
                        ServerAddress = key,
                    };
                }
            }
            catch (FormatException error)
            {
                throw new RegistryCredentialsException($"{configPath}: auths.{entry.Name}.auth is not base64; run docker login {key} again", error);
            }

            throw new RegistryCredentialsException($"{configPath}: auths.{entry.Name}.auth holds no user:password; run docker login {key} again");
        }

        return null;
    }

    private static string HostOf(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? uri.Authority : address;

    private async Task<RegistryAuth?> AskAsync(string helper, string key, CancellationToken cancellationToken)
    {
        var program = $"docker-credential-{helper}";
        using var limit = new CallLimit(helperTimeout, time, cancellationToken);
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, ["get"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        try
        {
            process.Start();
        }
        catch (Win32Exception error)
        {
            throw new RegistryCredentialsException($"{configPath} names the credential helper {program}, which can't be run: {error.Message}", error);
        }

        try
        {
            await process.StandardInput.WriteAsync(key.AsMemory(), limit.Token);
            process.StandardInput.Close();
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            var complaint = await errors;
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0 ? Read(output, key, program) : Missing($"{output} {complaint}", program);
        }
        catch (OperationCanceledException) when (limit.TimedOut && !cancellationToken.IsCancellationRequested)
        {
            throw new RegistryCredentialsException($"the credential helper {program} did not answer within {helperTimeout.TotalSeconds:0.#} s");
        }
        catch (IOException error)
        {
            throw new RegistryCredentialsException($"the credential helper {program} broke off: {error.Message}", error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static RegistryAuth? Missing(string output, string program) =>
        output.Contains("credentials not found", StringComparison.OrdinalIgnoreCase)
            ? null
            : throw new RegistryCredentialsException($"the credential helper {program} failed: {output.Trim()}");

    private static RegistryAuth Read(string output, string key, string program)
    {
        try
        {
            using var answer = JsonDocument.Parse(output);
            var user = answer.RootElement.GetProperty("Username").GetString();
            var secret = answer.RootElement.GetProperty("Secret").GetString();
            return user == "<token>"
                ? new RegistryAuth { IdentityToken = secret, ServerAddress = key }
                : new RegistryAuth { Username = user, Password = secret, ServerAddress = key };
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new RegistryCredentialsException($"the credential helper {program} gave an answer that is not its protocol's", error);
        }
    }
}

/// <summary>Registry credentials are configured but can't be had.</summary>
/// <param name="message">What is wrong and how to mend it.</param>
/// <param name="innerException">What caused it.</param>
internal sealed class RegistryCredentialsException(string message, Exception? innerException = null) : Exception(message, innerException);
