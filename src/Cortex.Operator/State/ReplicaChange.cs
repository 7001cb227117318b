namespace Cortex.Operator.State;

/// <summary>Another number of replicas for an API, decided while looking at what was wanted then.</summary>
/// <param name="Seen">What was wanted when it was decided.</param>
/// <param name="Replicas">Replicas wanted from now on; 0 or more.</param>
internal sealed record ReplicaChange(WantedApi Seen, int Replicas);
