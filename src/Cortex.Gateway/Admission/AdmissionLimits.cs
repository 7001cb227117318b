namespace Cortex.Gateway.Admission;

/// <summary>Bounds that all queues share.</summary>
/// <param name="QueueTimeout">The longest wait for a slot.</param>
/// <param name="SkipTime">How long a replica that could not be reached gets no request while another is ready.</param>
/// <param name="WakeTimeout">The longest wait for the first replica of an API without any.</param>
internal sealed record AdmissionLimits(TimeSpan QueueTimeout, TimeSpan SkipTime, TimeSpan WakeTimeout);
