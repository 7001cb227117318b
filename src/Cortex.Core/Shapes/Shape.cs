using System.Text.Json.Nodes;
using Cortex.Core.Errors;
using Cortex.Core.Yaml;

namespace Cortex.Core.Shapes;

/// <summary>
/// What a value may be. The same definition reads the YAML and describes it as JSON Schema, so that editors and the
/// operator never disagree.
/// </summary>
internal abstract class Shape
{
    /// <summary>The kind of the error for a null where none may be.</summary>
    public virtual string NullKind => ErrorKinds.CannotBeNull;

    /// <summary>Reads a node: the value, or <see cref="Walk.Invalid"/> after recording what is wrong.</summary>
    public abstract object? Read(YamlNode node, Spot spot, Walk walk);

    /// <summary>The shape in words, for the reference.</summary>
    /// <param name="variant">The kind that decides which fields apply.</param>
    public abstract ShapeWords ToWords(string variant);

    /// <summary>The shape as JSON Schema.</summary>
    /// <param name="variant">The kind that decides which fields apply.</param>
    public abstract JsonObject ToSchema(string variant);

    /// <summary>Records that a value has the wrong type.</summary>
    protected static object WrongType(YamlNode node, Spot spot, Walk walk, string expected) =>
        node is YamlScalar { Type: YamlScalarType.Reference } reference
            ? walk.Fail(spot, ErrorKinds.CortexResourceNotAllowed, $"{YamlScalar.Shorten(reference.Text)} starts with @, which is reserved; put the value in quotes if it is a string")
            : walk.Fail(spot, ErrorKinds.InvalidPrimitiveType, $"must be {expected}, but is {node.Describe()}");
}
