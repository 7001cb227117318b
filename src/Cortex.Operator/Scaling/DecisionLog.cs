namespace Cortex.Operator.Scaling;

/// <summary>The last decisions on one API that differ from the one before.</summary>
internal sealed class DecisionLog
{
    /// <summary>Decisions kept.</summary>
    public const int Capacity = 50;

    private readonly List<ScalingDecision> _decisions = new(Capacity);

    /// <summary>Newest first.</summary>
    public IReadOnlyList<ScalingDecision> NewestFirst => [.. _decisions.AsEnumerable().Reverse()];

    /// <summary>Adds a decision. One that says the same as the last, by the same settings, takes its place and keeps its beginning.</summary>
    public void Add(ScalingDecision decision)
    {
        if (_decisions is [.., var last] && decision.SaysTheSameAs(last))
        {
            _decisions[^1] = decision with { Since = last.Since };
            return;
        }

        if (_decisions.Count == Capacity)
        {
            _decisions.RemoveAt(0);
        }

        _decisions.Add(decision with { Since = decision.At });
    }
}
