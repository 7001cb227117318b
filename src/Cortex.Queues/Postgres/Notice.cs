using System.Globalization;
using System.Text;

namespace Cortex.Queues.Postgres;

/// <summary>What processes tell each other: which queues have work, what became final, what was taken from its holder.</summary>
internal sealed record Notice(int Sender, IReadOnlyCollection<int> Work, IReadOnlyCollection<long> Finished, IReadOnlyCollection<long> Revoked, bool QueuesChanged)
{
    // PostgreSQL takes less than 8000 bytes.
    private const int MaxNumbers = 350;

    /// <summary>The texts to send: as many as it takes.</summary>
    public IEnumerable<string> Format()
    {
        var numbers = Work.Select(w => $"w{w}").Concat(Finished.Select(f => $"f{f}")).Concat(Revoked.Select(r => $"r{r}"));
        if (QueuesChanged)
        {
            numbers = numbers.Prepend("q");
        }

        return numbers.Chunk(MaxNumbers).Select(chunk =>
        {
            var text = new StringBuilder(Sender.ToString(CultureInfo.InvariantCulture));
            foreach (var number in chunk)
            {
                text.Append(' ').Append(number);
            }

            return text.ToString();
        });
    }

    /// <summary>Reads one. What can't be read, such as words of a later version, is left out.</summary>
    public static Notice Parse(string text)
    {
        var work = new List<int>();
        var finished = new List<long>();
        var revoked = new List<long>();
        var words = text.Split(' ');
        _ = int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var sender);
        foreach (var word in words.AsSpan(1))
        {
            if (word.Length > 1 && long.TryParse(word.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                switch (word[0])
                {
                    case 'w': work.Add((int)number); break;
                    case 'f': finished.Add(number); break;
                    case 'r': revoked.Add(number); break;
                }
            }
        }

        return new Notice(sender, work, finished, revoked, words.Contains("q"));
    }
}
