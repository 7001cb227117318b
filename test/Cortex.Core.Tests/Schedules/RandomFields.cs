namespace Cortex.Core.Tests.Schedules;

/// <summary>A cron expression whose meaning is known without reading it.</summary>
internal sealed class RandomFields
{
    private readonly HashSet<int>[] _values;

    private RandomFields(string text, HashSet<int>[] values) => (Text, _values) = (text, values);

    public string Text { get; }

    public bool IsEveryHour => _values[1].Count == 24;

    /// <summary>Makes one that names some time near a moment, more often than not.</summary>
    public static RandomFields Make(Random random, DateTimeOffset near)
    {
        (string Text, HashSet<int> Values)[] fields =
        [
            Field(random, 0, 59, random.Next(3) == 0, near.Minute),
            Field(random, 0, 23, random.Next(3) == 0, random.Next(5)),
            Field(random, 1, 28, random.Next(2) == 0, near.Day, most: 31),
            Field(random, 1, 12, random.Next(4) > 0, near.Month),
            Field(random, 0, 6, random.Next(2) == 0, (int)near.DayOfWeek),
        ];
        return new RandomFields(string.Join(' ', fields.Select(field => field.Text)), [.. fields.Select(field => field.Values)]);
    }

    public bool Names(DateTime wall)
    {
        var (day, weekday) = (_values[2].Contains(wall.Day), _values[4].Contains((int)wall.DayOfWeek));
        var isDay = _values[2].Count == 31 ? weekday : _values[4].Count == 7 ? day : day || weekday;
        return isDay && _values[0].Contains(wall.Minute) && _values[1].Contains(wall.Hour) && _values[3].Contains(wall.Month);
    }

    private static (string Text, HashSet<int> Values) Field(Random random, int min, int max, bool all, int near, int? most = null)
    {
        var top = most ?? max;
        if (all)
        {
            return ("*", [.. Enumerable.Range(min, top - min + 1)]);
        }

        var parts = new List<string>();
        var values = new HashSet<int>();
        var count = random.Next(1, 4);
        for (var i = 0; i < count; i++)
        {
            var from = i == 0 && random.Next(3) > 0 ? Math.Clamp(near, min, max) : random.Next(min, max + 1);
            var to = random.Next(from, max + 1);
            var step = random.Next(1, 8);
            switch (random.Next(4))
            {
                case 0:
                    parts.Add($"{from}-{to}");
                    values.UnionWith(Enumerable.Range(from, to - from + 1));
                    break;
                case 1:
                    parts.Add($"{from}-{to}/{Math.Min(step, max)}");
                    values.UnionWith(Enumerable.Range(from, to - from + 1).Where(value => (value - from) % Math.Min(step, max) == 0));
                    break;
                case 2 when most is null && max != 6:
                    parts.Add($"*/{step}");
                    values.UnionWith(Enumerable.Range(min, top - min + 1).Where(value => (value - min) % step == 0));
                    break;
                default:
                    parts.Add($"{from}");
                    values.Add(from);
                    break;
            }
        }

        return (string.Join(',', parts), values);
    }
}
