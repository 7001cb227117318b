using Cortex.Gateway.Admission;
using Cortex.Gateway.Counting;
using Cortex.Gateway.Routing;
using Cortex.Gateway.Splitting;
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

    public static void Write(TextWriter writer, IEnumerable<ApiGate> gates, IEnumerable<HandledApi> handled, IEnumerable<SplitApi> splits)
    {
        var admitting = gates.OrderBy(static gate => gate.Name, StringComparer.Ordinal).Select(static gate => (Labels: LabelsOf(gate), gate.Metrics, gate.Traffic)).ToArray();
        var splitters = splits.OrderBy(static api => api.Name, StringComparer.Ordinal).ToArray();
        (string Labels, ApiMetrics Metrics)[] all =
        [
            .. admitting.Select(static api => (api.Labels, api.Metrics)),
            .. handled.OrderBy(static api => api.Name, StringComparer.Ordinal).Select(static api => (LabelsOf(api), api.Metrics)),
            .. splitters.Select(static api => (LabelsOf(api), api.Metrics)),
        ];

        Family(writer, "cortex_in_flight_requests", "gauge", "Requests in progress on replicas or waiting for one.");
        foreach (var (labels, _, traffic) in admitting)
        {
            Sample(writer, "cortex_in_flight_requests", labels + "," + Labels(("container", "proxy")), traffic.InFlight + traffic.Queued);
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
                Sample(writer, "cortex_gateway_requests_total", labels + "," + Labels(("code", Classes[i])), metrics.Answers(i));
            }
        }

        Family(writer, "cortex_gateway_rejected_requests_total", "counter", "Requests that the gateway turned away.");
        foreach (var (labels, metrics, _) in admitting)
        {
            foreach (var (reason, label) in Reasons)
            {
                Sample(writer, "cortex_gateway_rejected_requests_total", labels + "," + Labels(("reason", label)), metrics.Rejections(reason));
            }
        }

        Family(writer, "cortex_gateway_request_duration_seconds", "histogram", "Time from a request's arrival to the end of its answer.");
        foreach (var (labels, metrics) in all)
        {
            Histogram(writer, "cortex_gateway_request_duration_seconds", labels, ApiMetrics.BucketBounds, metrics.Buckets(), metrics.Seconds);
        }

        if (splitters.Length > 0)
        {
            WriteSplits(writer, splitters);
        }
    }

    private static void WriteSplits(TextWriter writer, SplitApi[] splitters)
    {
        Targets("cortex_splitter_weight", "gauge", "Percent of a splitter's requests that a target gets, or that are copied to its shadow.", static branch => branch.Target.Weight);
        Targets("cortex_splitter_requests_total", "counter", "Finished requests that a target got through a splitter.", static branch => branch.Counters.Requests);
        Targets("cortex_splitter_errors_total", "counter", "Those of them that ended with a status of 500 or more, or whose answer broke off.", static branch => branch.Counters.Errors);
        Targets("cortex_splitter_dropped_copies_total", "counter", "Copies of requests that a shadow did not get, because they were too large or too many, or it had no room.", static branch => branch.Counters.Dropped, shadows: true);

        void Targets(string name, string type, string help, Func<SplitBranch, long> value, bool shadows = false)
        {
            Family(writer, name, type, help);
            foreach (var splitter in splitters)
            {
                foreach (var branch in splitter.Branches.Where(branch => branch.Target.Shadow || !shadows))
                {
                    Sample(writer, name, LabelsOf(splitter) + "," + Labels(("target", branch.Target.Api), ("shadow", branch.Target.Shadow ? "true" : "false")), value(branch));
                }
            }
        }
    }

    private static string LabelsOf(RoutedApi api) => Labels(("api_name", api.Name), ("api_kind", api.Kind));
}
