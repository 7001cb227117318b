using System.Globalization;

namespace Cortex.Operator.Tests.Scaling;

/// <summary>Requests per second over a day, or over what was recorded of a run.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Seconds">How long it is.</param>
/// <param name="At">Requests per second at a second of it.</param>
internal sealed record LoadCurve(string Name, int Seconds, Func<int, double> At)
{
    private const int Day = 24 * 3600;

    /// <summary>A shop: quiet nights, two peaks, and the noise of many visitors.</summary>
    public static LoadCurve Shop { get; } = new("shop", Day, second =>
    {
        var hour = second / 3600.0;
        var day = 4 + (30 * Math.Exp(-Math.Pow(hour - 12, 2) / 8)) + (45 * Math.Exp(-Math.Pow(hour - 20, 2) / 3));
        return day * (1 + (0.2 * Noise(1, second)));
    });

    /// <summary>An office tool: nothing at night, everybody at nine, a dip at noon.</summary>
    public static LoadCurve Office { get; } = new("office", Day, second => (second / 3600.0) switch
    {
        < 9 or >= 18 => 0,
        >= 12 and < 13 => 6 * (1 + (0.3 * Noise(2, second))),
        _ => 25 * (1 + (0.3 * Noise(2, second))),
    });

    /// <summary>Something that is in the news: little, and ten times within the hour fifty times as much for a minute or five.</summary>
    public static LoadCurve Spikes { get; } = new("spikes", Day, second =>
        (second % 8640) < 60 * (1 + (second / 8640 % 5)) && second > 8640 ? 50 + (5 * Noise(3, second)) : 1 + (0.5 * Noise(3, second)));

    /// <summary>A steady load that now and then asks for a quarter more than before, and in the end for none.</summary>
    public static LoadCurve Stairs { get; } = new("stairs", Day, second => second >= 23 * 3600 ? 0 : Math.Pow(1.25, second / 5400 % 16));

    /// <summary>Every curve that a function describes.</summary>
    public static IReadOnlyList<LoadCurve> Described { get; } = [Shop, Office, Spikes, Stairs];

    /// <summary>
    /// One that was recorded: lines of <c>second,requests</c> under a header, played over and over for a day, five times as strong, as
    /// the replicas of the recording were slower than the simulated ones. <c>run</c> is what <c>bench/picture/run.sh</c> sent once.
    /// </summary>
    public static LoadCurve Recorded(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Scaling", "curves", name + ".csv");
        var rates = File.ReadLines(path).Skip(1).Select(line => double.Parse(line.Split(',')[1], CultureInfo.InvariantCulture)).ToArray();
        return new LoadCurve(name, Day, second => 5 * rates[second % rates.Length]);
    }

    public override string ToString() => Name;

    // From -1 to 1, the same for the same second.
    private static double Noise(uint seed, int second)
    {
        var bits = ((uint)second * 2654435761u) ^ (seed * 40503u);
        bits ^= bits >> 15;
        bits *= 2246822519u;
        bits ^= bits >> 13;
        return (bits / (double)uint.MaxValue * 2) - 1;
    }
}
