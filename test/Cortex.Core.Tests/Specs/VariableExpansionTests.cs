using Cortex.Core.Specs;

namespace Cortex.Core.Tests.Specs;

public sealed class VariableExpansionTests
{
    private static readonly Dictionary<string, string> s_variables = new(StringComparer.Ordinal)
    {
        ["A"] = "a",
        ["B.C-d_1"] = "b",
        ["EMPTY"] = "",
        ["NESTED"] = "$(A)",
    };

    [Theory]
    [InlineData("", "")]
    [InlineData("plain", "plain")]
    [InlineData("$(A)", "a")]
    [InlineData("x$(A)y$(A)", "xaya")]
    [InlineData("$(B.C-d_1)", "b")]
    [InlineData("$(EMPTY)", "")]
    [InlineData("$(NESTED)", "$(A)")]
    [InlineData("$(UNKNOWN)", "$(UNKNOWN)")]
    [InlineData("$$(A)", "$(A)")]
    [InlineData("$$$(A)", "$a")]
    [InlineData("$$$$(A)", "$$(A)")]
    [InlineData("$A ${A}", "$A ${A}")]
    [InlineData("$(A", "$(A")]
    [InlineData("$", "$")]
    [InlineData("a$", "a$")]
    [InlineData("$$", "$")]
    [InlineData("$()", "$()")]
    [InlineData("$($(A))", "$($(A))")]
    [InlineData("$(A)$", "a$")]
    public void Expand_Text_FollowsKubernetes(string text, string expected) => Assert.Equal(expected, VariableExpansion.Expand(text, s_variables, 1000));

    [Theory]
    [InlineData("abc", 3, "abc")]
    [InlineData("abc", 2, null)]
    [InlineData("$(A)$(A)$(A)", 3, "aaa")]
    [InlineData("$(A)$(A)$(A)", 2, null)]
    [InlineData("$(EMPTY)abc", 2, null)]
    public void Expand_LongerThanAllowed_GivesNothing(string text, int most, string? expected) => Assert.Equal(expected, VariableExpansion.Expand(text, s_variables, most));

    [Fact]
    public void Expand_ReferencesWithoutAnEnd_AreNotLookedThroughForEach()
    {
        var text = string.Concat(Enumerable.Repeat("$(", 1 << 19));
        var clock = System.Diagnostics.Stopwatch.StartNew();

        Assert.Equal(text, VariableExpansion.Expand(text, s_variables, text.Length));

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"it took {clock.Elapsed}");
    }
}
