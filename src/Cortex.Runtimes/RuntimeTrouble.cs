namespace Cortex.Runtimes;

/// <summary>The backend does not answer, or not to everything.</summary>
/// <param name="Message">What is wrong and how to mend it.</param>
/// <param name="Since">When it began.</param>
public sealed record RuntimeTrouble(string Message, DateTimeOffset Since);
