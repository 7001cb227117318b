using System.Net;
using Microsoft.AspNetCore.Http;

namespace Cortex.Gateway.Listening;

/// <summary>
/// Tells requests that somebody else's web page made a browser send from those that were meant for this cluster. A browser lets
/// any page send simple requests anywhere, and a page whose name is made to lead here (DNS rebinding) send any: neither may
/// start or stop anything. Programs that are no browsers are asked for nothing but a Host of ours.
/// </summary>
public sealed class ForeignRequests
{
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _endings = [];
    private readonly bool _allowsAll;
    private volatile string _lastOurs = "";   // most requests bear the same Host; a race costs one look

    /// <summary>Takes the names by which the cluster is reached.</summary>
    /// <param name="names">Host names; <c>*.</c> before one stands for all below it, <c>*</c> for every name.</param>
    public ForeignRequests(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (var name in names)
        {
            if (name == "*")
            {
                _allowsAll = true;
            }
            else if (name.StartsWith("*.", StringComparison.Ordinal))
            {
                _endings.Add(name[1..]);
            }
            else
            {
                _names.Add(name);
            }
        }
    }

    /// <summary>Whether a method changes nothing by itself.</summary>
    public static bool IsHarmless(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    /// <summary>Why a request that would start or stop something must not; null when it may.</summary>
    public string? Refusal(HttpRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (_allowsAll)
        {
            return null;
        }

        var headers = request.Headers;
        var named = headers.Host.ToString();
        if (named != _lastOurs)
        {
            var name = request.Host.Host;
            if (!IsOurs(name))
            {
                return $"the Host {name} is none of this cluster's; name it in access.allowed_hosts of the cluster configuration";
            }

            _lastOurs = named;
        }

        var origin = headers.Origin.ToString();
        if (origin.Length > 0)
        {
            return IsSame(origin, request.Host) || IsNamed(origin) ? null
                : $"the Origin {origin} is none of this cluster's; name its host in access.allowed_hosts of the cluster configuration";
        }

        // Browsers say one of these, or both, where they leave out the Origin.
        var site = headers["Sec-Fetch-Site"].ToString();
        if (site.Length > 0)
        {
            return site is "same-origin" or "none" ? null : "the request comes from another site's page";
        }

        var referer = headers.Referer.ToString();
        if (referer.Length > 0)
        {
            return IsSame(referer, request.Host) || IsNamed(referer) ? null : "the request comes from another site's page";
        }

        return IsOldBrowsers(request) ? "a browser must not send this; only JSON, or a request with a token, can come from one that tells no Origin" : null;
    }

    private static bool IsSame(string address, HostString host) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri)
        && uri.Host.Trim('[', ']').Equals(host.Host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase)
        && (host.Port is null ? uri.IsDefaultPort : uri.Port == host.Port);

    /// <summary>Whether it is what a page's form, or its script without leave, can send: no other type, no token.</summary>
    private static bool IsOldBrowsers(HttpRequest request)
    {
        if (!request.Headers.UserAgent.ToString().StartsWith("Mozilla/", StringComparison.Ordinal) || request.Headers.Authorization.Count > 0)
        {
            return false;
        }

        var type = request.ContentType ?? "";
        var end = type.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? type : type[..end]).Trim().ToLowerInvariant() is "text/plain" or "application/x-www-form-urlencoded" or "multipart/form-data";
    }

    /// <summary>No page of a stranger's is reached under an address, or under a name that only this machine or its network knows.</summary>
    private bool IsOurs(string host)
    {
        host = host.TrimEnd('.');
        return !host.Contains('.', StringComparison.Ordinal)
            || IPAddress.TryParse(host, out _)
            || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || IsKnown(host);
    }

    private bool IsNamed(string address) => Uri.TryCreate(address, UriKind.Absolute, out var uri) && IsKnown(uri.Host);

    private bool IsKnown(string host) =>
        _names.Contains(host) || _endings.Exists(ending => host.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
}
