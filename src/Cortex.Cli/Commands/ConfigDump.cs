using System.Globalization;
using System.Text;
using System.Text.Json;
using Cortex.Cli.Output;
using Cortex.Core.Specs;
using Cortex.Core.Units;
using Cortex.Core.Wire;

namespace Cortex.Cli.Commands;

/// <summary>An API's configuration with every default, as its YAML would say it.</summary>
internal static class ConfigDump
{
    public static string Render(DeployedSpec spec)
    {
        var dump = new Writer();
        dump.Text("name", spec.Name);
        dump.Text("kind", spec.Kind.ToString());
        if (spec.Apis is { } targets)
        {
            dump.Line("apis:");
            foreach (var target in targets)
            {
                using var item = dump.Item();
                dump.Text("name", target.Name);
                dump.Number("weight", target.Weight);
                dump.Line($"shadow: {(target.Shadow ? "true" : "false")}");
            }
        }

        if (spec.Sticky is { } sticky)
        {
            using var section = dump.Section("sticky:");
            dump.Text(sticky.Cookie is null ? "header" : "cookie", sticky.Cookie ?? sticky.Header ?? "");
        }

        if (spec.Canary is { } canary)
        {
            Canary(dump, canary);
        }

        if (spec.Pod is { } pod)
        {
            Pod(dump, spec.Kind, pod);
        }

        using (dump.Section("networking:"))
        {
            dump.Text("endpoint", spec.Networking.Endpoint);
            if (spec.Networking.ClientIdleTimeout is { } clientIdle)
            {
                dump.Line($"client_idle_timeout: {GoDuration.Format(clientIdle)}");
            }

            if (spec.Networking.StreamIdleTimeout is { } streamIdle)
            {
                dump.Line($"stream_idle_timeout: {GoDuration.Format(streamIdle)}");
            }
        }

        if (spec.Autoscaling is { } autoscaling)
        {
            Autoscaling(dump, autoscaling);
        }

        if (spec.Kind != ApiKind.TrafficSplitter)
        {
            dump.Line($"node_groups: {(spec.NodeGroups is null ? "null" : List(spec.NodeGroups))}");
        }

        if (spec.UpdateStrategy is { } update)
        {
            using var section = dump.Section("update_strategy:");
            dump.Text("max_surge", update.MaxSurge);
            dump.Text("max_unavailable", update.MaxUnavailable);
        }

        if (spec.Jobs is { } jobs)
        {
            using var section = dump.Section("jobs:");
            dump.Line($"max_concurrent: {(jobs.MaxConcurrent is { } most ? most.ToString(CultureInfo.InvariantCulture) : "null  # no limit")}");
            dump.Number("priority", jobs.Priority);
            if (jobs.MaxAttempts is { } attempts)
            {
                dump.Number("max_attempts", attempts);
            }
        }

        if (spec.Schedule is { } schedule)
        {
            using var section = dump.Section("schedule:");
            dump.Text("cron", schedule.Cron);
            dump.Text("time_zone", schedule.TimeZone);
            dump.Line($"concurrency: {JsonNamingPolicy.SnakeCaseLower.ConvertName(schedule.Concurrency.ToString())}");
            dump.Line($"missed_runs: {JsonNamingPolicy.SnakeCaseLower.ConvertName(schedule.MissedRuns.ToString())}");
            dump.Line($"job: {schedule.Job.GetRawText()}");
        }

        if (spec.ClientAccess is { } access)
        {
            dump.Text("client_access", JsonNamingPolicy.SnakeCaseLower.ConvertName(access.ToString()));
        }

        return dump.ToString();
    }

    private static void Canary(Writer dump, CanarySpec canary)
    {
        using var section = dump.Section("canary:");
        dump.Text("to", canary.To);
        dump.Line($"steps: [{string.Join(", ", canary.Steps)}]");
        dump.Line($"every: {GoDuration.Format(canary.Every)}");
        if (canary.MaxErrorRate is { } rate)
        {
            dump.Fraction("max_error_rate", rate);
        }
        else
        {
            dump.Line("max_error_rate: null  # no limit");
        }

        dump.Line($"max_p99: {(canary.MaxP99 is { } longest ? GoDuration.Format(longest) : "null  # no limit")}");
        dump.Number("min_requests", canary.MinRequests);
    }

    private static void Pod(Writer dump, ApiKind kind, PodSpec pod)
    {
        using var section = dump.Section("pod:");
        dump.Line($"port: {(pod.Port is { } port ? port.ToString(CultureInfo.InvariantCulture) : "null")}");
        if (kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI)
        {
            dump.Number("max_concurrency", pod.MaxConcurrency);
        }

        if (kind == ApiKind.RealtimeAPI)
        {
            dump.Number("max_queue_length", pod.MaxQueueLength);
        }

        dump.Line("containers:");
        foreach (var container in pod.Containers)
        {
            Container(dump, container);
        }
    }

    private static void Container(Writer dump, ContainerSpec container)
    {
        using var item = dump.Item();
        dump.Text("name", container.Name);
        dump.Text("image", container.Image);
        if (container.Env.Count > 0)
        {
            using var env = dump.Section("env:");
            foreach (var (name, value) in container.Env)
            {
                dump.Text(name, value);
            }
        }

        dump.Line($"command: {List(container.Command)}");
        dump.Line($"args: {List(container.Args)}");
        Probe(dump, "readiness_probe", container.ReadinessProbe);
        Probe(dump, "liveness_probe", container.LivenessProbe);
        if (container.PreStop is { } preStop)
        {
            using var section = dump.Section("pre_stop:");
            Action(dump, preStop.HttpGet, null, preStop.Exec);
        }

        using var compute = dump.Section("compute:");
        dump.Quantity("cpu", container.Compute.Cpu, "no limit");
        dump.Quantity("mem", container.Compute.Mem, "no limit");
        if (container.Compute.MemLimit is not null)
        {
            dump.Quantity("mem_limit", container.Compute.MemLimit, "");
        }

        if (container.Compute.Gpu > 0)
        {
            dump.Number("gpu", container.Compute.Gpu);
        }

        if (container.Compute.Inf > 0)
        {
            dump.Number("inf", container.Compute.Inf);
        }

        dump.Quantity("shm", container.Compute.Shm, "not configured");
    }

    private static void Probe(Writer dump, string key, ProbeSpec? probe)
    {
        if (probe is null)
        {
            return;
        }

        using var section = dump.Section($"{key}:");
        Action(dump, probe.HttpGet, probe.TcpSocket, probe.Exec);
        dump.Number("initial_delay_seconds", probe.InitialDelaySeconds);
        dump.Number("timeout_seconds", probe.TimeoutSeconds);
        dump.Number("period_seconds", probe.PeriodSeconds);
        dump.Number("success_threshold", probe.SuccessThreshold);
        dump.Number("failure_threshold", probe.FailureThreshold);
    }

    private static void Action(Writer dump, HttpGetSpec? httpGet, TcpSocketSpec? tcpSocket, ExecSpec? exec)
    {
        if (httpGet is not null)
        {
            using var section = dump.Section("http_get:");
            dump.Text("path", httpGet.Path);
            dump.Number("port", httpGet.Port);
        }

        if (tcpSocket is not null)
        {
            using var section = dump.Section("tcp_socket:");
            dump.Number("port", tcpSocket.Port);
        }

        if (exec is not null)
        {
            using var section = dump.Section("exec:");
            dump.Line($"command: {List(exec.Command)}");
        }
    }

    private static void Autoscaling(Writer dump, AutoscalingSpec autoscaling)
    {
        using var section = dump.Section("autoscaling:");
        dump.Number("min_replicas", autoscaling.MinReplicas);
        dump.Number("max_replicas", autoscaling.MaxReplicas);
        dump.Number("init_replicas", autoscaling.InitReplicas);
        dump.Fraction("target_in_flight", autoscaling.TargetInFlight);
        dump.Line($"window: {GoDuration.Format(autoscaling.Window)}");
        dump.Line($"downscale_stabilization_period: {GoDuration.Format(autoscaling.DownscaleStabilizationPeriod)}");
        dump.Line($"upscale_stabilization_period: {GoDuration.Format(autoscaling.UpscaleStabilizationPeriod)}");
        dump.Fraction("max_downscale_factor", autoscaling.MaxDownscaleFactor);
        dump.Fraction("max_upscale_factor", autoscaling.MaxUpscaleFactor);
        dump.Fraction("downscale_tolerance", autoscaling.DownscaleTolerance);
        dump.Fraction("upscale_tolerance", autoscaling.UpscaleTolerance);
        if (autoscaling.Burst)
        {
            dump.Line("burst: true");
        }

        if (autoscaling.TargetQueueAge is { } age)
        {
            dump.Line($"target_queue_age: {GoDuration.Format(age)}");
        }

        if (autoscaling.Idle == IdleReplicas.Freeze)
        {
            dump.Line("idle: freeze");
            dump.Line($"freeze_period: {GoDuration.Format(autoscaling.FreezePeriod ?? TimeSpan.Zero)}");
        }
    }

    // A JSON list is a YAML list on one line.
    private static string List(IReadOnlyList<string>? items) =>
        items is null ? "null" : $"[{string.Join(", ", items.Select(item => JsonSerializer.Serialize(item, CliJson.Compact.String)))}]";

    private sealed class Writer
    {
        private readonly StringBuilder _text = new();
        private int _indent;
        private bool _startsItem;

        public void Line(string line)
        {
            _text.Append(' ', _startsItem ? _indent - 2 : _indent).Append(_startsItem ? "- " : "").Append(line).Append('\n');
            _startsItem = false;
        }

        public void Text(string key, string value) => Line($"{YamlText.Scalar(key)}: {YamlText.Scalar(value)}");

        public void Number(string key, long value) => Line($"{key}: {value.ToString(CultureInfo.InvariantCulture)}");

        public void Fraction(string key, double value) =>
            Line($"{key}: {value.ToString(value == Math.Floor(value) && Math.Abs(value) < 1e15 ? "F1" : "R", CultureInfo.InvariantCulture)}");

        public void Quantity(string key, string? value, string commentWhenNull) =>
            Line(value is null ? $"{key}: null  # {commentWhenNull}" : $"{key}: {value}");

        public Indentation Section(string heading)
        {
            Line(heading);
            return new Indentation(this, 2);
        }

        public Indentation Item()
        {
            _startsItem = true;
            return new Indentation(this, 4);
        }

        public override string ToString() => _text.ToString();

        public readonly struct Indentation : IDisposable
        {
            private readonly Writer _writer;
            private readonly int _depth;

            public Indentation(Writer writer, int depth)
            {
                (_writer, _depth) = (writer, depth);
                writer._indent += depth;
            }

            public void Dispose() => _writer._indent -= _depth;
        }
    }
}
