namespace Cortex.Dispatch;

/// <summary>What became of a message.</summary>
public enum MessageFate
{
    /// <summary>It is not final.</summary>
    Unfinished,

    /// <summary>It was answered with success.</summary>
    Completed,

    /// <summary>It was given up after an answer.</summary>
    Failed,

    /// <summary>It was given up because too many workers died over it.</summary>
    Lost,

    /// <summary>Whether it is final is not known, as the store was away: the store has to be asked.</summary>
    Unknown,
}

/// <summary>The end of an attempt at a message that may have made it final.</summary>
/// <param name="Fate">What became of the message; never <see cref="MessageFate.Unfinished"/>.</param>
/// <param name="Took">From the attempt's begin to its answer.</param>
public readonly record struct MessageEnd(MessageFate Fate, TimeSpan Took);
