using System.Security.Cryptography;

namespace Cortex.Core.Identifiers;

/// <summary>Marks one roll-out of an API: a letter and nine letters or digits, all random.</summary>
public static class DeploymentId
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyz";

    /// <summary>A new id.</summary>
    public static string New() => RandomNumberGenerator.GetString(Letters, 1) + RandomNumberGenerator.GetString(Letters + "0123456789", 9);
}
