using System.Text;

namespace Cortex.Jobs.Batch.Sources;

/// <summary>
/// A pattern for whole paths with <c>/</c> between their parts: <c>*</c> is any run without a slash, <c>**</c> any run, <c>?</c> one character but a
/// slash, <c>[abc]</c>, <c>[a-z]</c> and <c>[!abc]</c> one character, <c>{x,y}</c> alternatives, and <c>\</c> takes the next character as it is.
/// </summary>
/// <remarks>Matching takes time in proportion to the lengths of pattern and text, whatever the pattern: all ways to match are followed at once.</remarks>
internal sealed class Glob
{
    /// <summary>The longest pattern, in characters.</summary>
    public const int MaxLength = 4096;

    private readonly IReadOnlyList<GlobStep> _steps;

    private Glob(string pattern, IReadOnlyList<GlobStep> steps)
    {
        Pattern = pattern;
        _steps = steps;
    }

    /// <summary>As it was written.</summary>
    public string Pattern { get; }

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="FormatException">It is no pattern; the message says why and where.</exception>
    public static Glob Parse(string pattern) => new(pattern, new GlobParser(pattern).Parse());

    /// <summary>Whether the whole text matches.</summary>
    public bool IsMatch(string text)
    {
        var now = new StepSet(_steps.Count);
        var next = new StepSet(_steps.Count);
        Follow(0, now);
        foreach (var rune in text.EnumerateRunes())
        {
            if (now.Count == 0)
            {
                return false;
            }

            for (var i = 0; i < now.Count; i++)
            {
                if (_steps[now[i]].Takes(rune))
                {
                    Follow(now[i] + 1, next);
                }
            }

            (now, next) = (next, now);
            next.Clear();
        }

        return now.Contains(_steps.Count - 1);
    }

    // Adds a step and all that can be reached from it without taking a character.
    private void Follow(int start, StepSet into)
    {
        var first = into.Count;
        into.Add(start);
        for (var i = first; i < into.Count; i++)
        {
            foreach (var target in _steps[into[i]].Jumps)
            {
                into.Add(target);
            }
        }
    }

    // A set of numbers below a bound that is cleared at once.
    private sealed class StepSet(int bound)
    {
        private readonly int[] _members = new int[bound];
        private readonly int[] _places = new int[bound];

        public int Count { get; private set; }

        public int this[int index] => _members[index];

        public bool Contains(int step) => _places[step] < Count && _members[_places[step]] == step;

        public void Add(int step)
        {
            if (!Contains(step))
            {
                _places[step] = Count;
                _members[Count++] = step;
            }
        }

        public void Clear() => Count = 0;
    }
}

/// <summary>One step of a pattern: takes one character and goes to the step after it, or jumps.</summary>
internal abstract class GlobStep
{
    /// <summary>Where this leads without a character.</summary>
    public virtual ReadOnlySpan<int> Jumps => default;

    /// <summary>Whether it takes this character.</summary>
    public virtual bool Takes(Rune rune) => false;
}

/// <summary>The end of a pattern.</summary>
internal sealed class EndStep : GlobStep;

/// <summary>Goes on at one of several steps.</summary>
internal sealed class JumpStep(params int[] targets) : GlobStep
{
    public override ReadOnlySpan<int> Jumps => targets;
}

/// <summary>One certain character.</summary>
internal sealed class LiteralStep(Rune literal) : GlobStep
{
    public override bool Takes(Rune rune) => rune == literal;
}

/// <summary>Any character, or any but a slash.</summary>
internal sealed class AnyStep(bool slashToo) : GlobStep
{
    public override bool Takes(Rune rune) => slashToo || rune.Value != '/';
}

/// <summary>A character of these ranges, or none of them.</summary>
internal sealed class ClassStep(IReadOnlyList<(Rune First, Rune Last)> ranges, bool negated) : GlobStep
{
    public override bool Takes(Rune rune)
    {
        foreach (var (first, last) in ranges)
        {
            if (rune >= first && rune <= last)
            {
                return !negated;
            }
        }

        return negated;
    }
}
