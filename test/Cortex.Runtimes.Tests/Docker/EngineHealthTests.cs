using Cortex.Runtimes.Docker.Engine;

namespace Cortex.Runtimes.Tests.Docker;

public sealed class EngineHealthTests
{
    private readonly ManualTime _time = new();
    private readonly EngineHealth _health;

    public EngineHealthTests() => _health = new EngineHealth(_time);

    [Fact]
    public void Trouble_CallWithoutAnAnswer_IsToldAfterAWhileWithItsBegin()
    {
        var began = _time.GetUtcNow();
        var call = _health.Begin("POST /containers/one/start");
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Null(_health.Trouble);

        // That others are answered does not make up for it.
        _health.End(_health.Begin("ping"), answered: true);
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(began, _health.Trouble!.Since);
        Assert.Contains("POST /containers/one/start", _health.Trouble.Message, StringComparison.Ordinal);
        Assert.Contains("since 2030-01-01 00:00:00 UTC", _health.Trouble.Message, StringComparison.Ordinal);

        // Given up and asked again, it is the same silence.
        _health.End(call, answered: false);
        _time.Advance(TimeSpan.FromSeconds(10));
        var again = _health.Begin("POST /containers/one/start");
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(began, _health.Trouble!.Since);

        _health.End(again, answered: true);
        Assert.Null(_health.Trouble);
    }

    [Fact]
    public void Trouble_GivenUpAndNeverAskedAgain_IsForgotten()
    {
        var call = _health.Begin("GET /containers/one/json");
        _time.Advance(TimeSpan.FromMinutes(2));
        _health.End(call, answered: false);
        Assert.NotNull(_health.Trouble);

        _time.Advance(TimeSpan.FromMinutes(2));

        Assert.Null(_health.Trouble);
    }

    [Fact]
    public void Trouble_Unreachable_HoldsFromTheFirstTimeUntilAnyAnswer()
    {
        var began = _time.GetUtcNow();
        _health.IsUnreachable(began, "no socket");
        _time.Advance(TimeSpan.FromSeconds(5));
        _health.IsUnreachable(_time.GetUtcNow(), "nobody listens");
        Assert.Equal(new RuntimeTrouble("nobody listens", began), _health.Trouble);

        // The words tell the same begin, however often it is asked.
        _time.Advance(TimeSpan.FromSeconds(5));
        _health.IsUnreachable(_time.GetUtcNow(), null);
        Assert.Equal(began, _health.Trouble!.Since);
        Assert.Contains("has not answered since 2030-01-01 00:00:00 UTC", _health.Trouble.Message, StringComparison.Ordinal);

        _health.End(_health.Begin("ping"), answered: true);

        Assert.Null(_health.Trouble);
    }
}
