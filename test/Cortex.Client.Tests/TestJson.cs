using System.Text.Json.Serialization;

namespace Cortex.Client.Tests;

/// <summary>What the tests send and read.</summary>
[JsonSerializable(typeof(Item))]
[JsonSerializable(typeof(int))]
internal sealed partial class TestJson : JsonSerializerContext;

/// <summary>A payload, an item or a result.</summary>
internal sealed record Item(int Number);
