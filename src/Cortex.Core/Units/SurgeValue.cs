using System.Globalization;
using Cortex.Core.Specs;

namespace Cortex.Core.Units;

/// <summary>A number of replicas, absolute or as percent of a count.</summary>
/// <param name="Amount">Replicas (0 or more), or percent (0-100).</param>
/// <param name="IsPercent">Whether the amount is percent.</param>
public readonly record struct SurgeValue(int Amount, bool IsPercent)
{
    /// <summary>Reads <c>25%</c> or <c>2</c>; false for anything else.</summary>
    public static bool TryParse(string? text, out SurgeValue value)
    {
        var percent = text?.EndsWith('%') ?? false;
        var number = percent ? text![..^1] : text;
        var valid = int.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var amount)
            && amount >= 0 && (!percent || amount <= 100);
        value = valid ? new(amount, percent) : default;
        return valid;
    }

    /// <summary>Reads <c>25%</c> or <c>2</c>.</summary>
    /// <exception cref="FormatException">The text is neither.</exception>
    public static SurgeValue Parse(string text) => TryParse(text, out var value)
        ? value
        : throw new FormatException($"\"{text}\" is neither a percentage from 0% to 100% nor a number of replicas");

    /// <summary>What an update of so many replicas may add above and lack below that count.</summary>
    /// <remarks>Surge rounds up, unavailable rounds down. When both come to 0, one replica may be unavailable: else nothing could move.</remarks>
    /// <param name="strategy">The two limits.</param>
    /// <param name="replicas">The wanted count; 0 or more.</param>
    public static (int Surge, int Unavailable) Resolve(UpdateStrategySpec strategy, int replicas)
    {
        var surge = Parse(strategy.MaxSurge).Of(replicas, roundUp: true);
        var unavailable = Parse(strategy.MaxUnavailable).Of(replicas, roundUp: false);
        return (surge, surge == 0 && unavailable == 0 ? 1 : unavailable);
    }

    /// <summary>The value as replicas out of a count.</summary>
    public int Of(int count, bool roundUp)
    {
        if (!IsPercent)
        {
            return Amount;
        }

        var hundredths = (long)Amount * count;
        return (int)((hundredths + (roundUp ? 99 : 0)) / 100);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Amount}{(IsPercent ? "%" : "")}");
}
