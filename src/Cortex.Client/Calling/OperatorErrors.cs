using System.Net;
using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Core.Wire;

namespace Cortex.Client.Calling;

/// <summary>What went wrong with an operator, in words that say what to do about it.</summary>
internal static class OperatorErrors
{
    /// <summary>What an answer that is no success says.</summary>
    public static CortexException Of(HttpStatusCode status, ReadOnlySpan<byte> body, CortexEnvironment environment)
    {
        var error = TryRead(body);
        if (error is null)
        {
            return new CortexException(ClientErrorKinds.NoOperator, $"unexpected response from {environment.OperatorEndpoint} (status code {(int)status}); is that address a Cortex operator's?");
        }

        if (status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden && error.Kind != "endpoints.client_access")
        {
            return new CortexException(error.Kind, $"the {environment.Name} environment has no valid token: {error.Message}");
        }

        return error.Errors is { Count: > 0 } places
            ? new CortexException(error.Kind, string.Join("\nerror: ", places.Select(place => place.Message.TrimEnd()))) { Places = places }
            : new CortexException(error.Kind, error.Message);
    }

    /// <summary>The operator can't be reached at all, or is not who it should be.</summary>
    public static CortexException Unreachable(CortexEnvironment environment, Exception cause)
    {
        if (CertificateRefusedException.Find(cause) is { } refused)
        {
            return refused.ToError();
        }

        var local = new Uri(environment.OperatorEndpoint).IsLoopback;
        return new CortexException(
            ClientErrorKinds.OperatorUnreachable,
            $"failed to connect to the operator of the {environment.Name} environment at {environment.OperatorEndpoint}: {HttpCaller.Reason(cause)}\n\n"
            + (local ? "if its cluster is not running, start it with `cortex cluster up`" : $"check that its cluster is running and that this machine can reach it; `cortex env configure {environment.Name}` changes the address"),
            cause);
    }

    /// <summary>It answered, but with something that this client does not know.</summary>
    public static CortexException Unknown(CortexEnvironment environment, string what, Exception? cause = null) =>
        new(ClientErrorKinds.UnknownAnswer, $"the operator of the {environment.Name} environment {what}; compare `cortex version`", cause);

    private static ErrorResponse? TryRead(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, WireJson.Contract.ErrorResponse) is { Message: not null } error ? error : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
