namespace Cortex.Gateway.Admission;

/// <summary>Bounds that all queues share.</summary>
/// <param name="QueueTimeout">The longest wait for a slot.</param>
/// <param name="SkipTime">How long a replica that could not be reached gets no request while another is ready.</param>
internal sealed record AdmissionLimits(TimeSpan QueueTimeout, TimeSpan SkipTime);
