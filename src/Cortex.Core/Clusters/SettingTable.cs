using System.Globalization;
using System.Text.Json;
using Cortex.Core.Shapes;
using Cortex.Core.Specs;
using Cortex.Core.Units;

namespace Cortex.Core.Clusters;

/// <summary>
/// The settings of one part of the cluster's configuration, a row each: what its value may be and means, and where the part has it. Reading, writing,
/// the JSON Schema and the guide's reference come from the rows; the defaults from the part itself.
/// </summary>
/// <typeparam name="T">The part.</typeparam>
/// <param name="defaults">The part as it is without a file.</param>
internal sealed class SettingTable<T>(T defaults)
    where T : class
{
    private readonly List<Row> _rows = [];

    private delegate T Binder(T part, MapValue map);

    /// <summary>The keys.</summary>
    public IReadOnlyList<Field> Fields => [.. _rows.Select(row => row.Field)];

    /// <summary>The part as a map.</summary>
    /// <param name="rules">What holds over several keys.</param>
    public MapShape ToShape(params IReadOnlyList<Action<MapValue, Walk>> rules) => new(Fields) { Rules = rules };

    /// <summary>The part that a file describes.</summary>
    /// <param name="map">What <see cref="ToShape"/> has read.</param>
    public T Bind(MapValue map) => Bind(map, defaults);

    /// <summary>The same, over what is known of the part already.</summary>
    public T Bind(MapValue map, T part) => _rows.Aggregate(part, (bound, row) => row.Bind(bound, map));

    /// <summary>Writes every key, also those that the file left out; secrets are hidden.</summary>
    public void Write(Utf8JsonWriter json, T part)
    {
        foreach (var row in _rows)
        {
            row.Write(json, part);
        }
    }

    public SettingTable<T> Int(string key, int min, int max, string doc, Func<T, int> get, Func<T, int, T> set) => Add(
        new Field(key, new IntShape { Min = min, Max = max }, doc) { Default = get(defaults).ToString(CultureInfo.InvariantCulture) },
        (part, map) => set(part, map.Int32(key)),
        (json, part) => json.WriteNumber(key, get(part)));

    public SettingTable<T> Long(string key, long min, long max, string doc, Func<T, long> get, Func<T, long, T> set) => Add(
        new Field(key, new IntShape { Min = min, Max = max, IsLong = true }, doc) { Default = get(defaults).ToString(CultureInfo.InvariantCulture) },
        (part, map) => set(part, map.Get<long>(key)),
        (json, part) => json.WriteNumber(key, get(part)));

    public SettingTable<T> Number(string key, double min, double max, string doc, Func<T, double> get, Func<T, double, T> set) => Add(
        new Field(key, new FloatShape { Min = min, Max = max }, doc) { Default = get(defaults).ToString("0.0###", CultureInfo.InvariantCulture) },
        (part, map) => set(part, map.Get<double>(key)),
        (json, part) => json.WriteNumber(key, get(part)));

    /// <summary>A number that may be missing, and is then not written either.</summary>
    public SettingTable<T> OptionalNumber(string key, double min, double max, string doc, Func<T, double?> get, Func<T, double?, T> set) => Add(
        new Field(key, new FloatShape { Min = min, Max = max }, doc) { Null = NullRule.Allowed },
        (part, map) => set(part, map.TryGet(key, out double value) ? value : null),
        (json, part) =>
        {
            if (get(part) is { } value)
            {
                json.WriteNumber(key, value);
            }
        });

    /// <summary>A number of bytes, written as a quantity.</summary>
    /// <param name="key">The key.</param>
    /// <param name="min">The smallest, such as <c>64Ki</c>.</param>
    /// <param name="max">The largest; null for none.</param>
    /// <param name="doc">What it means.</param>
    /// <param name="get">Reads it from the part.</param>
    /// <param name="set">The part with another value.</param>
    /// <param name="example">What an error gives as a valid value.</param>
    public SettingTable<T> Size(string key, string min, string? max, string doc, Func<T, long> get, Func<T, long, T> set, string example = "512Mi") => Add(
        new Field(key, new QuantityShape(min) { Max = max, Example = example }, doc) { Default = Quantity.FormatBytes(get(defaults)) },
        (part, map) => set(part, Quantity.Parse(map.Get<string>(key)).Value),
        (json, part) => json.WriteString(key, Quantity.FormatBytes(get(part))));

    public SettingTable<T> Time(string key, string min, string max, string doc, Func<T, TimeSpan> get, Func<T, TimeSpan, T> set) => Add(
        new Field(key, new DurationShape { Min = GoDuration.Parse(min), Max = GoDuration.Parse(max) }, doc) { Default = GoDuration.FormatShort(get(defaults)) },
        (part, map) => set(part, map.Get<TimeSpan>(key)),
        (json, part) => json.WriteString(key, GoDuration.Format(get(part))));

    public SettingTable<T> Flag(string key, string doc, Func<T, bool> get, Func<T, bool, T> set) => Add(
        new Field(key, new BoolShape(), doc) { Default = get(defaults) ? "true" : "false" },
        (part, map) => set(part, map.Get<bool>(key)),
        (json, part) => json.WriteBoolean(key, get(part)));

    /// <summary>One of an enumeration's names, in lower case.</summary>
    public SettingTable<T> Choice<TChoice>(string key, string doc, Func<T, TChoice> get, Func<T, TChoice, T> set)
        where TChoice : struct, Enum
    {
        static string Name(TChoice choice) => Enum.GetName(choice)!.ToLowerInvariant();
        return Add(
            new Field(key, new ChoiceShape([.. Enum.GetValues<TChoice>().Select(Name)]), doc) { Default = Name(get(defaults)) },
            (part, map) => set(part, Enum.Parse<TChoice>(map.Get<string>(key), ignoreCase: true)),
            (json, part) => json.WriteString(key, Name(get(part))));
    }

    public SettingTable<T> Text(string key, Shape shape, string doc, Func<T, string> get, Func<T, string, T> set) => Add(
        new Field(key, shape, doc) { Default = get(defaults) is { Length: > 0 } text ? text : "''" },
        (part, map) => set(part, map.Get<string>(key)),
        (json, part) => json.WriteString(key, get(part)));

    /// <summary>A text that may be missing, and is written as null then.</summary>
    public SettingTable<T> OptionalText(string key, Shape shape, string doc, Func<T, string?> get, Func<T, string?, T> set) => Add(
        new Field(key, shape, doc) { Null = NullRule.Allowed },
        (part, map) => set(part, map.Find<string>(key)),
        (json, part) => json.WriteString(key, get(part)));

    /// <summary>The same, never shown.</summary>
    public SettingTable<T> Secret(string key, string doc, Func<T, string?> get, Func<T, string?, T> set) => Add(
        new Field(key, Texts.Any, doc) { Null = NullRule.Allowed },
        (part, map) => set(part, map.Find<string>(key)),
        (json, part) => json.WriteString(key, get(part) is null ? null : ClusterConfig.HiddenSecret));

    /// <summary>Texts, none by default.</summary>
    public SettingTable<T> TextList(string key, ListShape shape, string doc, Func<T, IReadOnlyList<string>> get, Func<T, IReadOnlyList<string>, T> set) => Add(
        new Field(key, shape, doc) { Default = "[]" },
        (part, map) => set(part, map.Get<ListValue>(key).Of<string>()),
        (json, part) =>
        {
            json.WriteStartArray(key);
            foreach (var text in get(part))
            {
                json.WriteStringValue(text);
            }

            json.WriteEndArray();
        });

    /// <summary>A part of the part.</summary>
    public SettingTable<T> Part<TPart>(
        string key, SettingTable<TPart> table, string doc, Func<T, TPart> get, Func<T, TPart, T> set, params IReadOnlyList<Action<MapValue, Walk>> rules)
        where TPart : class => Add(
        new Field(key, table.ToShape(rules), doc) { Default = "{}" },
        (part, map) => set(part, table.Bind(map.Get<MapValue>(key))),
        (json, part) =>
        {
            json.WriteStartObject(key);
            table.Write(json, get(part));
            json.WriteEndObject();
        });

    /// <summary>Keys that stand below one of their own, in the same part.</summary>
    public SettingTable<T> Section(string key, SettingTable<T> table, string doc) => Add(
        new Field(key, table.ToShape(), doc) { Default = "{}" },
        (part, map) => table.Bind(map.Get<MapValue>(key), part),
        (json, part) =>
        {
            json.WriteStartObject(key);
            table.Write(json, part);
            json.WriteEndObject();
        });

    private SettingTable<T> Add(Field field, Binder bind, Action<Utf8JsonWriter, T> write)
    {
        _rows.Add(new Row(field, bind, write));
        return this;
    }

    private sealed record Row(Field Field, Binder Bind, Action<Utf8JsonWriter, T> Write);
}
