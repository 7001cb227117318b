using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Background.Tests;

public sealed class BackoffTests
{
    private static readonly Backoff _backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));

    private static readonly Gen<TimeSpan> _pauses = Gen.Choose(0, 100_000).Select(ms => TimeSpan.FromMilliseconds(ms));

    private static readonly Gen<Backoff> _backoffs = from first in _pauses from most in _pauses where first <= most select new Backoff(first, most);

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 8)]
    [InlineData(5, 10)]
    [InlineData(int.MaxValue, 10)]
    public void After_Failures_DoublesUpToTheBound(int failures, double seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), _backoff.After(failures));

    [Fact]
    public void After_EverMoreFailures_NeverGetsShorterNorLongerThanTheBound() =>
        Prop.ForAll(_backoffs.ToArbitrary(), Gen.Choose(0, 100).ToArbitrary(), (backoff, failures) =>
            backoff.After(failures) <= backoff.After(failures + 1) && backoff.After(failures + 1) <= backoff.Most).QuickCheckThrowOnFailure();

    [Fact]
    public void Next_FromPauseToPause_IsAfterOfTheirNumber() =>
        Prop.ForAll(_backoffs.ToArbitrary(), Gen.Choose(1, 70).ToArbitrary(), (backoff, failures) =>
        {
            var pause = TimeSpan.Zero;
            for (var i = 0; i < failures; i++)
            {
                pause = backoff.Next(pause);
            }

            return pause == backoff.After(failures);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Jittered_AnyChance_IsTheMeanGiveOrTakeAFifth() =>
        Prop.ForAll(_pauses.ToArbitrary(), Gen.Choose(0, 1000).Select(each => each / 1000.0).ToArbitrary(), (pause, random) =>
        {
            var jittered = Backoff.Jittered(pause, random);
            var rounding = TimeSpan.FromTicks(1);
            return jittered >= (pause * 0.8) - rounding && jittered <= (pause * 1.2) + rounding && (Backoff.Jittered(pause, 0.5) - pause).Duration() <= rounding;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void After_LongestTimes_DoesNotOverflow()
    {
        var backoff = new Backoff(TimeSpan.FromDays(1), TimeSpan.MaxValue);

        Assert.Equal(TimeSpan.MaxValue, backoff.After(100));
        Assert.Equal(TimeSpan.MaxValue, backoff.Next(TimeSpan.MaxValue));
    }
}
