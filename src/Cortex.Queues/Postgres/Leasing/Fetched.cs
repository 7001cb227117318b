namespace Cortex.Queues.Postgres.Leasing;

/// <summary>A message with the lease under which it was fetched.</summary>
internal sealed record Fetched(HeldLease Held, LeasedMessage Message);
