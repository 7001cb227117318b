using System.Globalization;
using Cortex.Core.Specs;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Tasks;
using Cortex.Operator.Reconciling;
using Cortex.Operator.Scaling;
using Cortex.Operator.State;
using Cortex.Runtimes;

namespace Cortex.Operator;

/// <summary>The operator's part of <c>/metrics</c>: replicas by state, and the process.</summary>
internal sealed class OperatorMetrics(ApiStore store, IContainerRuntime runtime, Reconciler reconciler, Autoscaler autoscaler, TaskController tasks, BatchController batches)
{
    /// <summary>Writes the Prometheus text format.</summary>
    public void Write(TextWriter writer)
    {
        writer.Write("# HELP cortex_replicas Replicas by state.\n# TYPE cortex_replicas gauge\n");
        var states = runtime.List().CountBy(pod => (
            Name: pod.Labels.GetValueOrDefault(PodLabels.ApiName, ""),
            Kind: pod.Labels.GetValueOrDefault(PodLabels.ApiKind, ""),
            State: reconciler.IsStopping(pod.Id) ? PodState.Terminating : pod.State));
        foreach (var ((name, kind, state), count) in states.OrderBy(state => state.Key))
        {
            Line(writer, $"cortex_replicas{{api_name=\"{name}\",api_kind=\"{kind}\",state=\"{state}\"}}", count);
        }

        writer.Write("# HELP cortex_replicas_wanted Replicas that should run.\n# TYPE cortex_replicas_wanted gauge\n");
        foreach (var api in store.Apis.Values.Where(api => api.Spec.Kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI))
        {
            Line(writer, $"cortex_replicas_wanted{{api_name=\"{api.Name}\",api_kind=\"{api.Spec.Kind}\"}}", api.Replicas);
        }

        autoscaler.WriteMetrics(writer);
        tasks.WriteMetrics(writer);
        batches.WriteMetrics(writer);
        writer.Write("# HELP process_resident_memory_bytes Resident memory of the server.\n# TYPE process_resident_memory_bytes gauge\n");
        Line(writer, "process_resident_memory_bytes", Environment.WorkingSet);
        writer.Write("# HELP process_cpu_seconds_total Processor time of the server.\n# TYPE process_cpu_seconds_total counter\n");
        Line(writer, "process_cpu_seconds_total", Environment.CpuUsage.TotalTime.TotalSeconds);
    }

    private static void Line(TextWriter writer, string series, double value) =>
        writer.Write(string.Create(CultureInfo.InvariantCulture, $"{series} {value}\n"));
}
