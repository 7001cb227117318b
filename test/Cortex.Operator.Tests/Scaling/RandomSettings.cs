using Cortex.Core.Specs;

namespace Cortex.Operator.Tests.Scaling;

/// <summary>Settings that a configuration file could have, from a seed.</summary>
internal static class RandomSettings
{
    public static AutoscalingSpec Next(Random random)
    {
        var min = random.Next(0, 4);
        return new AutoscalingSpec
        {
            MinReplicas = min,
            MaxReplicas = Math.Max(1, min) + random.Next(0, 40),
            TargetInFlight = Pick(random, 0.5, 1, 3, 10, 0.1),
            Window = TimeSpan.FromSeconds(10 * random.Next(1, 12)),
            DownscaleStabilizationPeriod = Pick(random, TimeSpan.Zero, TimeSpan.FromSeconds(7), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)),
            UpscaleStabilizationPeriod = Pick(random, TimeSpan.Zero, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2)),
            MaxDownscaleFactor = Pick(random, 0, 0.5, 0.75, 0.99, 0.7),
            MaxUpscaleFactor = Pick(random, 1.01, 1.1, 1.5, 2, 100),
            DownscaleTolerance = Pick(random, 0, 0.05, 0.3, 0.9),
            UpscaleTolerance = Pick(random, 0, 0.05, 0.3, 2),
        };
    }

    /// <summary>One of the values.</summary>
    public static T Pick<T>(Random random, params ReadOnlySpan<T> values) => values[random.Next(values.Length)];
}
