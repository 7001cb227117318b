namespace Cortex.Async;

/// <summary>The names of the queues that Async APIs use.</summary>
internal static class QueueNames
{
    /// <summary>Callbacks of all APIs.</summary>
    public const string Callbacks = "callbacks";

    /// <summary>The requests of one API.</summary>
    public static string Of(string apiName) => "async/" + apiName;
}
