using Cortex.Core.Specs;

namespace Cortex.Operator.Tests.Scaling;

/// <summary>
/// The rule of Cortex 0.42 written down from its description, step by step and with plain lists: what ours is compared with.
/// </summary>
internal sealed class CortexRule(double start, AutoscalingSpec settings)
{
    private readonly List<(double At, int Value)> _records = [];
    private readonly List<(double At, double Value)> _published = [];
    private readonly List<double> _unpublished = [];

    /// <summary>A sample of the proxy: its means over 10 s are what the window sees.</summary>
    public void Sample(double now, double inFlight)
    {
        _unpublished.Add(inFlight);
        if (_unpublished.Count == 10)
        {
            _published.Add((now, _unpublished.Average()));
            _unpublished.Clear();
        }
    }

    /// <summary>A tick over the published means.</summary>
    public int Tick(double now, int current)
    {
        var window = _published.Where(sample => sample.At > now - settings.Window.TotalSeconds).ToList();
        return window.Count == 0 ? current : Decide(now, current, window.Average(sample => sample.Value));
    }

    /// <summary>Steps 1 to 11.</summary>
    public int Decide(double now, int current, double average)
    {
        var down = settings.DownscaleStabilizationPeriod.TotalSeconds;
        var up = settings.UpscaleStabilizationPeriod.TotalSeconds;
        var raw = average / settings.TargetInFlight;
        var recommended = Math.Ceiling(raw);
        if (current * (1 - settings.DownscaleTolerance) < raw && raw < current)
        {
            recommended = current;
        }

        if (current < raw && raw < current * (1 + settings.UpscaleTolerance))
        {
            recommended = current;
        }

        recommended = Math.Max(recommended, Math.Min(current - 1, Math.Ceiling(current * settings.MaxDownscaleFactor)));
        recommended = Math.Min(recommended, Math.Max(current + 1, Math.Ceiling(current * settings.MaxUpscaleFactor)));
        recommended = Math.Min(Math.Max(recommended, settings.MinReplicas), settings.MaxReplicas);
        _records.Add((now, (int)recommended));
        _records.RemoveAll(record => now - record.At > Math.Max(down, up));
        var requested = (int)recommended;
        if (requested < current)
        {
            requested = now - start < down ? current
                : Math.Max(requested, Math.Min(_records.Where(record => down > 0 && now - record.At <= down).Max(record => (int?)record.Value) ?? requested, current));
        }

        if (requested > current)
        {
            requested = now - start < up ? current
                : Math.Min(requested, Math.Max(_records.Where(record => up > 0 && now - record.At <= up).Min(record => (int?)record.Value) ?? requested, current));
        }

        return requested;
    }
}
