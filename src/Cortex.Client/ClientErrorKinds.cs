using Cortex.Core.Errors;

namespace Cortex.Client;

/// <summary>
/// The kinds (<see cref="CortexException.Kind"/>) of errors that the client finds itself. All others are the operator's own, such as
/// <c>resources.api_not_deployed</c>.
/// </summary>
public static class ClientErrorKinds
{
    /// <summary>The operator can't be reached, or did not answer in time, or the connection was lost.</summary>
    public const string OperatorUnreachable = "cli.failed_to_connect_operator";

    /// <summary>An API can't be reached, or did not answer in time.</summary>
    public const string ApiUnreachable = "cli.failed_to_connect_api";

    /// <summary>The connection broke while a request was submitted: whether it was accepted is not known.</summary>
    public const string SubmissionLost = "cli.async_connection";

    /// <summary>An Async API refused: the request is not there, too large, cannot be changed any more.</summary>
    public const string RequestRefused = "cli.async_refused";

    /// <summary>An answer of an Async API broke off, or is none.</summary>
    public const string BrokenAnswer = "cli.async_broken_answer";

    /// <summary>The other side of a TLS connection is not who it should be. Nothing was sent to it.</summary>
    public const string CertificateRefused = "cli.certificate_refused";

    /// <summary>What answers is not a Cortex operator.</summary>
    public const string NoOperator = "cli.operator_response_unknown";

    /// <summary>The operator answered with something that this client does not understand; compare versions.</summary>
    public const string UnknownAnswer = "cli.response_unknown";

    /// <summary>A submission of a job was checked and has mistakes.</summary>
    public const string DryRunFailed = "cli.dry_run";

    /// <summary>The time of a wait was up. What was waited for may still happen.</summary>
    public const string TimedOut = "client.timed_out";

    /// <summary>Some of the APIs of a configuration were refused.</summary>
    public const string DeployFailed = "client.deploy_failed";

    /// <summary>The replicas of an API can't become ready; the message has the reasons.</summary>
    public const string ApiFailed = "client.api_failed";

    /// <summary>A request failed or was cancelled, so that it has no result.</summary>
    public const string RequestFailed = "client.request_failed";

    /// <summary>A job ended, and not well; the message has its last words.</summary>
    public const string JobFailed = "client.job_failed";
}
