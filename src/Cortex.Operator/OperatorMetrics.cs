using Cortex.Core.Specs;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Tasks;
using Cortex.Operator.Reconciling;
using Cortex.Operator.Scaling;
using Cortex.Operator.State;
using Cortex.Runtimes;
using static Cortex.Gateway.Metrics.PrometheusText;

namespace Cortex.Operator;

/// <summary>The operator's part of <c>/metrics</c>: replicas by state, and the process.</summary>
internal sealed class OperatorMetrics(IApiStore store, IContainerRuntime runtime, Reconciler reconciler, Autoscaler autoscaler, TaskController tasks, BatchController batches)
{
    /// <summary>Writes the Prometheus text format.</summary>
    public void Write(TextWriter writer)
    {
        Family(writer, "cortex_replicas", "gauge", "Replicas by state.");
        var states = runtime.List().CountBy(pod => (
            Name: pod.Labels.GetValueOrDefault(PodLabels.ApiName, ""),
            Kind: pod.Labels.GetValueOrDefault(PodLabels.ApiKind, ""),
            State: reconciler.IsStopping(pod.Id) ? PodState.Terminating : pod.State));
        foreach (var ((name, kind, state), count) in states.OrderBy(state => state.Key))
        {
            Sample(writer, "cortex_replicas", Labels(("api_name", name), ("api_kind", kind), ("state", state.ToString())), count);
        }

        Family(writer, "cortex_replicas_wanted", "gauge", "Replicas that should run.");
        foreach (var api in store.Apis.Values.Where(api => api.Spec.Kind is ApiKind.RealtimeAPI or ApiKind.AsyncAPI))
        {
            Sample(writer, "cortex_replicas_wanted", Labels(("api_name", api.Name), ("api_kind", api.Spec.Kind.ToString())), api.Replicas);
        }

        autoscaler.WriteMetrics(writer);
        tasks.WriteMetrics(writer);
        batches.WriteMetrics(writer);
        Family(writer, "process_resident_memory_bytes", "gauge", "Resident memory of the server.");
        Sample(writer, "process_resident_memory_bytes", "", Environment.WorkingSet);
        Family(writer, "process_cpu_seconds_total", "counter", "Processor time of the server.");
        Sample(writer, "process_cpu_seconds_total", "", Environment.CpuUsage.TotalTime.TotalSeconds);
    }
}
