namespace Cortex.Client.Calling;

/// <summary>What an operator says to a token.</summary>
internal enum TokenAnswer
{
    /// <summary>It takes it, or asks for none.</summary>
    Accepted,

    /// <summary>It asks for one, and none was given.</summary>
    Missing,

    /// <summary>It is not the operator's.</summary>
    Refused,
}
