using Cortex.Gateway.Tests.Support;

namespace Cortex.Gateway.Tests.Forwarding;

public sealed class ProtocolsTests
{
    public static TheoryData<Type> Families =>
        [.. typeof(ForwardingTests).Assembly.GetTypes().Where(static type => type.IsAbstract && type.BaseType == typeof(ForwardingTests))];

    [Theory]
    [MemberData(nameof(Families))]
    public void ForwardingTests_EveryFamily_RunsOverBothProtocols(Type family)
    {
        var runs = family.Assembly.GetTypes().Where(type => type.BaseType == family).Select(static type => type.Name);

        Assert.Equal(["OverHttp1Tests", "OverHttp2Tests"], runs.Select(static name => name[name.IndexOf("OverHttp", StringComparison.Ordinal)..]).Order(StringComparer.Ordinal));
    }
}
