namespace Cortex.Dispatch.Workers;

/// <summary>How a request to one worker ended.</summary>
/// <param name="Status">Status of the answer; null when there was no whole answer.</param>
/// <param name="IsUnreachable">Whether the worker has seen nothing of the request.</param>
/// <param name="Trouble">Why there was no whole answer; empty when there was one.</param>
public readonly record struct WorkerAnswer(int? Status, bool IsUnreachable, string Trouble);
