using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Operator.State;

namespace Cortex.Operator.Access;

/// <summary>The tokens that containers find in /cortex/client/cli.yaml: one of each API, derived and nowhere kept, which ends with the API.</summary>
/// <remarks>
/// The API's name stands in it in clear, so that a wrong token costs one look and one hash, however many APIs there are. The time of the first
/// deployment is in the hash: updates leave it, and an API that was deleted and deployed again has another. What a token opens is not in it: that is
/// what the deployed version says, from the moment it is deployed.
/// </remarks>
internal sealed class ApiTokens
{
    private const string Prefix = "cortex-api.";
    private const int KeyLength = 32;

    private readonly IApiStore _store;
    private readonly byte[] _key;

    private ApiTokens(IApiStore store, byte[] key) => (_store, _key) = (store, key);

    /// <summary>Reads the secret that they are derived from, or makes it.</summary>
    public static async Task<ApiTokens> OpenAsync(IApiStore store, CancellationToken cancellationToken) => new(
        store, Convert.FromHexString(await store.GetOrAddSettingAsync("client_access_key", () => RandomNumberGenerator.GetHexString(2 * KeyLength), cancellationToken)));

    /// <summary>Whether a text has the form of such a token; it may be anybody's.</summary>
    public static bool IsOne(string token) => token.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The token of an API's containers; null when they get none.</summary>
    public string? Of(DeployedSpec api) => Level(api) == ClientAccess.None ? null : $"{Prefix}{api.Name}.{Convert.ToHexStringLower(Hash(api.Name, api.InitialDeploymentTime))}";

    /// <summary>Whose token this is, and what it opens; null when it is that of no deployed API.</summary>
    public Caller? Find(string token)
    {
        var end = token.LastIndexOf('.');
        if (!IsOne(token) || end < Prefix.Length)
        {
            return null;
        }

        // Hashed also when there is no such API, so that the time tells nothing.
        var name = token[Prefix.Length..end];
        var api = _store.Apis.GetValueOrDefault(name)?.Spec;
        var expected = Convert.ToHexStringLower(Hash(name, api?.InitialDeploymentTime ?? 0));
        var isRight = CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(token[(end + 1)..]));
        return isRight && api is not null ? new Caller(name, Level(api)) : null;
    }

    // A version that was stored before there was such a key has the default. A splitter has no containers.
    private static ClientAccess Level(DeployedSpec api) => api.Pod is null ? ClientAccess.None : api.ClientAccess ?? ClientAccess.Submit;

    private byte[] Hash(string name, long initialDeploymentTime) =>
        HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"client-access\n{name}\n{initialDeploymentTime}")));
}
