using Cortex.Gateway.Admission;
using Cortex.Gateway.Routing;
using static Cortex.Gateway.Metrics.PrometheusText;

namespace Cortex.Gateway.Metrics;

/// <summary>Writes the gateway's metrics in the Prometheus text format.</summary>
internal static class MetricsText
{
    private static readonly string[] Classes = ["aborted", "1xx", "2xx", "3xx", "4xx", "5xx"];

    private static readonly (RejectReason Reason, string Label)[] Reasons =
    [
        (RejectReason.QueueFull, "queue_full"),
        (RejectReason.NoReplica, "no_replica"),
        (RejectReason.QueueTimeout, "queue_timeout"),
        (RejectReason.Unreachable, "unreachable"),
        (RejectReason.CannotStart, "cannot_start"),
        (RejectReason.WakeTimeout, "wake_timeout"),
    ];

    public static void Write(TextWriter writer, IEnumerable<ApiGate> gates, IEnumerable<HandledApi> handled)
    {
        var admitting = gates.OrderBy(static gate => gate.Name, StringComparer.Ordinal).Select(static gate => (Labels: Labels(gate), gate.Metrics, gate.Traffic)).ToArray();
        (string Labels, ApiMetrics Metrics)[] all =
        [
            .. admitting.Select(static api => (api.Labels, api.Metrics)),
            .. handled.OrderBy(static api => api.Name, StringComparer.Ordinal).Select(static api => (Labels(api), api.Metrics)),
        ];

        Family(writer, "cortex_in_flight_requests", "gauge", "Requests in progress on replicas or waiting for one.");
        foreach (var (labels, _, traffic) in admitting)
        {
            Sample(writer, "cortex_in_flight_requests", labels + ",container=\"proxy\"", traffic.InFlight + traffic.Queued);
        }

        Family(writer, "cortex_gateway_queued_requests", "gauge", "Requests that wait for a replica's slot.");
        foreach (var (labels, _, traffic) in admitting)
        {
            Sample(writer, "cortex_gateway_queued_requests", labels, traffic.Queued);
        }

        Family(writer, "cortex_gateway_requests_total", "counter", "Finished requests by class of status code; aborted: the client left or the answer broke off.");
        foreach (var (labels, metrics) in all)
        {
            for (var i = 0; i < Classes.Length; i++)
            {
                Sample(writer, "cortex_gateway_requests_total", $"{labels},code=\"{Classes[i]}\"", metrics.Answers(i));
            }
        }

        Family(writer, "cortex_gateway_rejected_requests_total", "counter", "Requests that the gateway turned away.");
        foreach (var (labels, metrics, _) in admitting)
        {
            foreach (var (reason, label) in Reasons)
            {
                Sample(writer, "cortex_gateway_rejected_requests_total", $"{labels},reason=\"{label}\"", metrics.Rejections(reason));
            }
        }

        Family(writer, "cortex_gateway_request_duration_seconds", "histogram", "Time from a request's arrival to the end of its answer.");
        foreach (var (labels, metrics) in all)
        {
            Histogram(writer, labels, metrics);
        }
    }

    private static string Labels(RoutedApi api) => $"api_name=\"{Escape(api.Name)}\",api_kind=\"{Escape(api.Kind)}\"";

    private static void Histogram(TextWriter writer, string labels, ApiMetrics metrics)
    {
        const string Name = "cortex_gateway_request_duration_seconds";
        long count = 0;
        for (var i = 0; i < ApiMetrics.BucketBounds.Length; i++)
        {
            count += metrics.BucketCount(i);
            Sample(writer, Name + "_bucket", $"{labels},le=\"{Number(ApiMetrics.BucketBounds[i])}\"", count);
        }

        count += metrics.BucketCount(ApiMetrics.BucketBounds.Length);
        Sample(writer, Name + "_bucket", labels + ",le=\"+Inf\"", count);
        Sample(writer, Name + "_sum", labels, metrics.Seconds);
        Sample(writer, Name + "_count", labels, count);
    }
}
