using Cortex.Async.Dispatch;
using static Cortex.Gateway.Metrics.PrometheusText;

namespace Cortex.Async;

/// <summary>Writes the metrics of Async APIs in the Prometheus text format.</summary>
internal static class AsyncMetricsText
{
    private const string Latency = "cortex_async_latency";

    public static void Write(TextWriter writer, IEnumerable<(string Api, AsyncTraffic Traffic, DispatchMetrics Metrics)> apis)
    {
        var all = apis.OrderBy(static api => api.Api, StringComparer.Ordinal)
            .Select(static api => (Labels: $"api_name=\"{Escape(api.Api)}\",api_kind=\"{AsyncService.Kind}\"", api.Traffic, Answers: api.Metrics.All.ToArray()))
            .ToArray();
        Gauge("cortex_async_active", "Requests that replicas work on.", static traffic => traffic.InProgress);
        Gauge("cortex_async_queued", "Requests that wait for a replica.", static traffic => traffic.Waiting);
        Gauge("cortex_async_in_flight", "Requests that wait for a replica or that one works on.", static traffic => traffic.Waiting + traffic.InProgress);
        Family(writer, "cortex_async_request_count", "counter", "Answers of containers, by status code.");
        foreach (var (labels, _, answers) in all)
        {
            foreach (var (status, histogram) in answers)
            {
                Sample(writer, "cortex_async_request_count", $"{labels},status_code=\"{status}\"", Count(histogram));
            }
        }

        Family(writer, Latency, "histogram", "Time from an attempt's begin to the head of its answer, in seconds, by status code.");
        foreach (var (labels, _, answers) in all)
        {
            foreach (var (status, histogram) in answers)
            {
                Histogram(writer, $"{labels},status_code=\"{status}\"", histogram);
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

    private static void Histogram(TextWriter writer, string labels, DispatchMetrics.Histogram histogram)
    {
        long count = 0;
        for (var i = 0; i < DispatchMetrics.BucketBounds.Length; i++)
        {
            count += histogram.BucketCount(i);
            Sample(writer, Latency + "_bucket", $"{labels},le=\"{Number(DispatchMetrics.BucketBounds[i])}\"", count);
        }

        count += histogram.BucketCount(DispatchMetrics.BucketBounds.Length);
        Sample(writer, Latency + "_bucket", labels + ",le=\"+Inf\"", count);
        Sample(writer, Latency + "_sum", labels, histogram.Seconds);
        Sample(writer, Latency + "_count", labels, count);
    }

    private static long Count(DispatchMetrics.Histogram histogram) =>
        Enumerable.Range(0, DispatchMetrics.BucketBounds.Length + 1).Sum(histogram.BucketCount);
}
