using System.Globalization;
using Cortex.Dispatch;
using Cortex.Routing;
using static Cortex.Gateway.Metrics.PrometheusText;

namespace Cortex.Async;

/// <summary>Writes the metrics of Async APIs in the Prometheus text format.</summary>
internal static class AsyncMetricsText
{
    public static void Write(TextWriter writer, IEnumerable<(string Api, AsyncTraffic Traffic, DispatchMetrics Metrics)> apis)
    {
        var all = apis.OrderBy(static api => api.Api, StringComparer.Ordinal)
            .Select(static api => (Labels: Labels(("api_name", api.Api), ("api_kind", AsyncService.Kind)), api.Traffic, Answers: api.Metrics.All.ToArray()))
            .ToArray();
        Gauge("cortex_async_active", "Requests that replicas work on.", static traffic => traffic.InProgress);
        Gauge("cortex_async_queued", "Requests that wait for a replica.", static traffic => traffic.Waiting);
        Gauge("cortex_async_in_flight", "Requests that wait for a replica or that one works on.", static traffic => traffic.Waiting + traffic.InProgress);
        Family(writer, "cortex_async_request_count", "counter", "Answers of containers, by status code.");
        foreach (var (labels, _, answers) in all)
        {
            foreach (var (status, histogram) in answers)
            {
                Sample(writer, "cortex_async_request_count", LabelsOf(labels, status), histogram.Buckets().Sum());
            }
        }

        Family(writer, "cortex_async_latency", "histogram", "Time from an attempt's begin to the head of its answer, in seconds, by status code.");
        foreach (var (labels, _, answers) in all)
        {
            foreach (var (status, histogram) in answers)
            {
                Histogram(writer, "cortex_async_latency", LabelsOf(labels, status), DispatchMetrics.BucketBounds, histogram.Buckets(), histogram.Seconds);
            }
        }

        void Gauge(string name, string help, Func<AsyncTraffic, long> value)
        {
            Family(writer, name, "gauge", help);
            foreach (var (labels, traffic, _) in all)
            {
                Sample(writer, name, labels, value(traffic));
            }
        }
    }

    private static string LabelsOf(string api, int status) => api + "," + Labels(("status_code", status.ToString(CultureInfo.InvariantCulture)));
}
