using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Core.Tests.Identifiers;

public sealed class IdentifierTests
{
    [Fact]
    public void TimeId_Moment_IsTheContractsDigits()
    {
        var moment = DateTimeOffset.Parse("2021-09-21T15:04:05Z", System.Globalization.CultureInfo.InvariantCulture);

        var id = new TimeIdGenerator(new ManualTime(moment)).Next();

        Assert.Equal((long.MaxValue - 1_632_236_645_000_000_000).ToString("x16", System.Globalization.CultureInfo.InvariantCulture), id.ToString());
        Assert.Equal(1_632_236_645_000_000_000, id.UnixNanoseconds);
        Assert.Equal(1_632_236_645, id.UnixSeconds);
    }

    [Fact]
    public void Next_ClockStandsStillOrStepsBack_IdsStillDecrease()
    {
        var clock = new ManualTime(DateTimeOffset.UnixEpoch.AddDays(20_000));
        var ids = new TimeIdGenerator(clock);

        var first = ids.Next().ToString();
        var second = ids.Next().ToString();
        clock.Jump(-TimeSpan.FromHours(1));
        var third = ids.Next().ToString();
        clock.Jump(TimeSpan.FromHours(2));
        var fourth = ids.Next().ToString();

        Assert.Equal([fourth, third, second, first], new[] { first, second, third, fourth }.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Next_AfterRestartWithAnEarlierClock_StaysBelowTheNewestKnown()
    {
        var clock = new ManualTime(DateTimeOffset.UnixEpoch.AddDays(20_000));
        var before = new TimeIdGenerator(clock).Next();
        clock.Jump(-TimeSpan.FromDays(1));

        Assert.True(new TimeIdGenerator(clock, before).Next().Value < before.Value);
    }

    [Fact]
    public async Task Next_ManyThreads_NeverRepeats()
    {
        var ids = new TimeIdGenerator(new ManualTime(DateTimeOffset.UnixEpoch.AddDays(20_000)));

        var made = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Enumerable.Range(0, 1000).Select(_ => ids.Next()).ToList())));

        Assert.Equal(4000, made.SelectMany(id => id).Distinct().Count());
    }

    [Fact]
    public void TimeId_AnyMoments_SortNewestFirst() => Prop.ForAll<long, long>((left, right) =>
    {
        var (a, b) = (new TimeId(left & long.MaxValue), new TimeId(right & long.MaxValue));
        Assert.Equal(Math.Sign(b.UnixNanoseconds.CompareTo(a.UnixNanoseconds)), Math.Sign(string.CompareOrdinal(a.ToString(), b.ToString())));
        Assert.True(TimeId.TryParse(a.ToString(), out var read));
        Assert.Equal(a, read);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("123")]
    [InlineData("00000000000000000")]
    [InlineData("000000000000000G")]
    [InlineData("00000000000000AB")]
    [InlineData("ffffffffffffffff")]
    public void TimeId_TryParse_SomethingElse_IsRefused(string? text) => Assert.False(TimeId.TryParse(text, out _));

    [Fact]
    public void DeploymentId_New_IsALetterAndNineMore()
    {
        var ids = Enumerable.Range(0, 200).Select(_ => DeploymentId.New()).ToList();

        Assert.All(ids, id => Assert.Matches("^[a-z][a-z0-9]{9}$", id));
        Assert.Equal(200, ids.Distinct().Count());
    }

    [Theory]
    [InlineData("abc123defg")]
    [InlineData("")]
    public void ApiId_Parts_AreReadBack(string deployment)
    {
        var id = new ApiId(new TimeId(255), deployment, "0123abcd");

        Assert.Equal($"00000000000000ff-{deployment}-0123abcd", id.ToString());
        Assert.True(ApiId.TryParse(id.ToString(), out var read));
        Assert.Equal(id, read);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("00000000000000ff")]
    [InlineData("00000000000000ff-a")]
    [InlineData("00000000000000ff-a-")]
    [InlineData("x-a-b")]
    [InlineData("00000000000000ff-a-b-c")]
    public void ApiId_TryParse_SomethingElse_IsRefused(string? text) => Assert.False(ApiId.TryParse(text, out _));

    [Fact]
    public void SpecHash_OnlyScalingChanges_PodIdStays()
    {
        var one = Parse("  autoscaling: {max_replicas: 5}\n");
        var other = Parse("  autoscaling: {max_replicas: 6}\n");

        Assert.Equal(SpecHash.PodId(one), SpecHash.PodId(other));
        Assert.NotEqual(SpecHash.SpecId(one), SpecHash.SpecId(other));
        Assert.Equal((63, 32), (SpecHash.PodId(one).Length, SpecHash.SpecId(one).Length));
    }

    [Fact]
    public void SpecHash_DefaultSpelledOut_IsTheSame()
    {
        var one = Parse("");
        var other = Parse("  autoscaling: {window: 1m, target_in_flight: 1}\n  networking: {endpoint: /a}\n  update_strategy: {max_surge: 25%}\n");

        Assert.Equal(SpecHash.SpecId(one), SpecHash.SpecId(other));
    }

    [Theory]
    [InlineData("  networking: {endpoint: b}\n")]
    [InlineData("  node_groups: [cpu]\n")]
    [InlineData("  update_strategy: {max_surge: 1}\n")]
    [InlineData("  client_access: read\n")]
    [InlineData("  client_access: none\n")]
    public void SpecHash_AnotherValue_ChangesTheSpecId(string extra) => Assert.NotEqual(SpecHash.SpecId(Parse("")), SpecHash.SpecId(Parse(extra)));

    // The other levels are looked up by the operator, and show in no container.
    [Theory]
    [InlineData("submit", true)]
    [InlineData("read", true)]
    [InlineData("admin", true)]
    [InlineData("none", false)]
    public void SpecHash_ClientAccess_ChangesThePodIdWithTheToken(string access, bool stays) =>
        Assert.Equal(stays, SpecHash.PodId(Parse("")) == SpecHash.PodId(Parse($"  client_access: {access}\n")));

    [Fact]
    public void SpecHash_OnlyTheQueueChanges_PodIdStays()
    {
        var one = Parse("", "AsyncAPI");
        var same = Parse("  queue: {max_attempts: 1, timeout: 168h}\n", "AsyncAPI");
        var other = Parse("  queue: {max_attempts: 2}\n", "AsyncAPI");

        Assert.Equal((SpecHash.PodId(one), SpecHash.SpecId(one)), (SpecHash.PodId(same), SpecHash.SpecId(same)));
        Assert.Equal(SpecHash.PodId(one), SpecHash.PodId(other));
        Assert.NotEqual(SpecHash.SpecId(one), SpecHash.SpecId(other));
    }

    // Stored by clusters that are running: another id for the same file would replace every replica.
    [Fact]
    public void SpecHash_RealtimeApi_IsWhatEarlierVersionsMade()
    {
        var spec = Parse("");

        Assert.Equal(("0ffd350cf1e133c3", "937033bb3bf214d7"), (SpecHash.PodId(spec)[..16], SpecHash.SpecId(spec)[..16]));
    }

    [Fact]
    public void SpecHash_EnvInAnotherOrder_IsTheSame()
    {
        var spec = Parse("");
        ApiSpec With(params string[] names) => spec with
        {
            Pod = spec.Pod! with { Containers = [spec.Pod.Containers[0] with { Env = names.ToDictionary(name => name, name => name) }] },
        };

        Assert.Equal(SpecHash.PodId(With("A", "B")), SpecHash.PodId(With("B", "A")));
        Assert.NotEqual(SpecHash.PodId(With("A", "B")), SpecHash.PodId(With("A")));
    }

    private static ApiSpec Parse(string extra, string kind = "RealtimeAPI")
    {
        var file = ApiFileParser.Parse("f.yaml", $"- name: a\n  kind: {kind}\n  pod: {{containers: [{{name: c, image: i}}]}}\n{extra}");
        Assert.Empty(file.Errors);
        return file.Apis[0];
    }
}
