using Cortex.Async;
using Cortex.Operator.Scaling;
using Cortex.Routing;

namespace Cortex.Operator.Tests.Scaling;

public sealed class QueueWatchTests
{
    private static readonly DateTimeOffset _epoch = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan _target = TimeSpan.FromSeconds(60);
    private readonly QueueWatch _watch = new(TimeSpan.FromSeconds(60));
    private TimeSpan _now = TimeSpan.FromMinutes(10);

    [Fact]
    public void Replicas_NothingWaits_AreNone()
    {
        Sample(waiting: 0, inProgress: 5, age: 0);

        Assert.Equal(0, _watch.Replicas(_now, _target, 1));
    }

    [Theory]
    [InlineData(1, 20)]     // 300 requests of 2 s each take one replica 600 s; 20 need 30 s
    [InlineData(4, 5)]
    public void Replicas_KnownPace_TakeWhatWaitsWithinHalfOfTheTarget(long maxConcurrency, double replicas)
    {
        Sample(waiting: 310, inProgress: 1, age: 1, answers: 7, seconds: 70);
        Sample(waiting: 300, inProgress: 1, age: 2, answers: 17, seconds: 90);

        Assert.Equal(replicas, _watch.Replicas(_now, _target, maxConcurrency), precision: 9);
    }

    [Fact]
    public void Replicas_LongRequests_AreNoMoreThanRequests()
    {
        Sample(waiting: 4, inProgress: 2, age: 1);
        Sample(waiting: 4, inProgress: 2, age: 2, answers: 1, seconds: 600);

        Assert.Equal(6, _watch.Replicas(_now, _target, 1));
        Assert.Equal(1.5, _watch.Replicas(_now, _target, 4));
    }

    [Theory]
    [InlineData(30, 0)]
    [InlineData(45, 20)]
    [InlineData(60, 40)]
    [InlineData(600, 40)]
    public void Replicas_UnknownPace_GrowWithTheAge(int age, double replicas)
    {
        Sample(waiting: 38, inProgress: 2, age: 0);
        _now += TimeSpan.FromSeconds(age - 1);
        Sample(waiting: 38, inProgress: 2, age: age);

        Assert.Equal(replicas, _watch.Replicas(_now, _target, 1), precision: 9);
    }

    [Fact]
    public void Replicas_OldRequestThatWasDelayed_CountsFromWhenItWaits()
    {
        Sample(waiting: 0, inProgress: 0, age: 0);
        Sample(waiting: 10, inProgress: 0, age: 3600);

        Assert.Equal(0, _watch.Replicas(_now, _target, 1));
    }

    [Fact]
    public void Replicas_CountsBeginAnew_IgnoresTheStep()
    {
        Sample(waiting: 10, inProgress: 0, age: 1, answers: 1000, seconds: 1000);
        Sample(waiting: 10, inProgress: 0, age: 2, answers: 0, seconds: 0);

        Assert.Equal(0, _watch.Replicas(_now, _target, 1));
    }

    private void Sample(long waiting, long inProgress, double age, long answers = 0, double seconds = 0)
    {
        _now += TimeSpan.FromSeconds(1);
        var utc = _epoch + _now;
        _watch.Sample(_now, utc, new AsyncTraffic(waiting, 0, inProgress, waiting > 0 ? utc - TimeSpan.FromSeconds(age) : null)
        {
            Answers = answers,
            AnswerTime = TimeSpan.FromSeconds(seconds),
        });
    }
}
