using System.Security.Cryptography;
using System.Text;
using Cortex.Core.Wire;
using Microsoft.AspNetCore.Http;

namespace Cortex.Operator.Endpoints;

/// <summary>Lets a request in when its version fits and it shows the token.</summary>
internal sealed class ClientCheck(string version, string token)
{
    private const string Compatible = "0.42.";

    private readonly byte[] _tokenHash = Hash(token);

    /// <summary>What is wrong with the request, as status and error; null when nothing is.</summary>
    public (int Status, ErrorResponse Error)? Refuse(HttpRequest request)
    {
        var client = request.Headers["CortexAPIVersion"].ToString();
        if (client.Length > 0 && !request.Path.Equals("/info", StringComparison.Ordinal) && !client.StartsWith(Compatible, StringComparison.Ordinal) && Major(client) != Major(version))
        {
            return (StatusCodes.Status400BadRequest, new ErrorResponse("endpoints.api_version_mismatch", $"the client's version ({client}) does not fit the cluster's ({version}); use a client of version {Major(version)}.x"));
        }

        var authorization = request.Headers.Authorization.ToString();
        if (authorization.Length == 0)
        {
            return (StatusCodes.Status401Unauthorized, new ErrorResponse("endpoints.header_missing", "the header `Authorization: Bearer TOKEN` is missing; the token is in the CLI's cli.yaml on the machine that ran `cortex cluster up`, and `cortex env configure` stores it on another"));
        }

        // Hashes have one length, so the comparison takes the same time whatever was sent.
        return authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Hash(authorization["Bearer ".Length..].Trim()), _tokenHash)
            ? null
            : (StatusCodes.Status403Forbidden, new ErrorResponse("endpoints.auth_invalid_token", "the token is not this cluster's; run `cortex cluster up` again on its machine, or `cortex env configure` with the right one"));
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private static string Major(string text) => text.Split('.')[0];
}
