using System.Text.Json;
using Cortex.Core.Schedules;
using Cortex.Core.Specs;
using Cortex.Jobs.Schedules;
using Cortex.Jobs.Tests.Support;

namespace Cortex.Jobs.Tests.Schedules;

public sealed class ScheduleRuleTests
{
    private static readonly DateTimeOffset s_at = Some.Start;

    [Fact]
    public void Begin_NothingStored_BeginsWithTheVersion()
    {
        var state = ScheduleRule.Begin(null, Api(), s_at);

        Assert.Equal((s_at.AddMinutes(-30), "0 * * * *", 7L), (state.DecidedUntil, state.Cron, state.DeployedAt));
        Assert.Null(state.Last);
    }

    [Fact]
    public void Begin_VersionOfTheFuture_BeginsNow() => Assert.Equal(s_at, ScheduleRule.Begin(null, Api() with { VersionAt = s_at.AddYears(1) }, s_at).DecidedUntil);

    [Fact]
    public void Begin_SameSchedule_GoesOn()
    {
        var stored = State() with { Due = s_at, Last = new ScheduledRun(s_at, "job", "") };

        Assert.Same(stored, ScheduleRule.Begin(stored, Api() with { VersionAt = s_at }, s_at));
    }

    [Fact]
    public void Begin_AnotherSchedule_MakesUpForNothingAndKeepsWhatIsDue()
    {
        var stored = State() with { DecidedUntil = s_at.AddDays(-3), Due = s_at.AddHours(-1) };

        var state = ScheduleRule.Begin(stored, Api(cron: "5 * * * *"), s_at);

        Assert.Equal(stored with { Cron = "5 * * * *", DecidedUntil = s_at.AddMinutes(-30) }, state);
    }

    [Fact]
    public void Begin_AnotherApiOfThatName_BeginsAnew()
    {
        var stored = State() with { DecidedUntil = s_at.AddDays(-3), Due = s_at, Last = new ScheduledRun(s_at, "job", "") };

        Assert.Equal(State() with { DeployedAt = 8 }, ScheduleRule.Begin(stored, Api() with { DeployedAt = 8 }, s_at));
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(24 * 365, 0)]
    public void Begin_ClockSetBack_ALittleRepeatsNothing_ALotBeginsFromNow(int hoursAhead, int expected) =>
        Assert.Equal(s_at.AddHours(expected), ScheduleRule.Begin(State() with { DecidedUntil = s_at.AddHours(hoursAhead) }, Api(), s_at).DecidedUntil);

    [Fact]
    public void Decide_BeforeItsTime_ChangesNothing()
    {
        var state = State();

        Assert.Same(state, Decide(state, s_at.AddTicks(-1)));
    }

    [Fact]
    public void Decide_AtItsTime_IsDue() => Assert.Equal(State() with { DecidedUntil = s_at, Due = s_at }, Decide(State(), s_at));

    [Theory]
    [InlineData(MissedRuns.RunOnce, 59, true)]
    [InlineData(MissedRuns.RunOnce, 3000, true)]
    [InlineData(MissedRuns.Skip, 59, true)]
    [InlineData(MissedRuns.Skip, 60, false)]
    public void Decide_Late_IsByTheSetting(MissedRuns missed, int seconds, bool runs)
    {
        var state = Decide(State(), s_at.AddSeconds(seconds), missed: missed);

        Assert.Equal(s_at, state.DecidedUntil);
        Assert.Equal(runs ? s_at : null, state.Due);
        Assert.Equal(runs ? null : "was missed: it was first seen 1m0s late", state.Last?.Message);
    }

    [Theory]
    [InlineData(MissedRuns.RunOnce)]
    [InlineData(MissedRuns.Skip)]
    public void Decide_ManyMissed_OnlyTheLastCounts(MissedRuns missed)
    {
        var state = Decide(State() with { DecidedUntil = s_at.AddDays(-10) }, s_at.AddMinutes(10), missed: missed);

        Assert.Equal((s_at, missed == MissedRuns.RunOnce), (state.DecidedUntil, state.Due == s_at));
    }

    // Somebody restarts the server at the very time: what is on time is no missed run, though others were missed.
    [Fact]
    public void Decide_ManyMissedAndOneOnTime_RunsThatOneAlsoWhenMissedOnesAreSkipped() =>
        Assert.Equal(s_at, Decide(State() with { DecidedUntil = s_at.AddDays(-10) }, s_at.AddSeconds(5), missed: MissedRuns.Skip).Due);

    [Theory]
    [InlineData(ScheduleConcurrency.Allow, true)]
    [InlineData(ScheduleConcurrency.Replace, true)]
    [InlineData(ScheduleConcurrency.Forbid, false)]
    public void Decide_OneHasNotEnded_IsByTheSetting(ScheduleConcurrency concurrency, bool runs)
    {
        var state = Decide(State(), s_at, concurrency, unfinished: [Some.Job("0123456789abcdef")]);

        Assert.Equal(runs ? s_at : null, state.Due);
        Assert.Equal(runs ? null : new ScheduledRun(s_at, null, "was skipped, as job 0123456789abcdef had not ended"), state.Last);
    }

    [Fact]
    public void Decide_WhileOneIsDue_TheNextTakesItsPlace() =>
        Assert.Equal(s_at.AddHours(1), Decide(State() with { DecidedUntil = s_at, Due = s_at }, s_at.AddHours(1)).Due);

    private static ScheduledApi Api(string cron = "0 * * * *") => new("train", 7, s_at.AddMinutes(-30), Spec(cron));

    private static ScheduleState State() => new() { ApiName = "train", DeployedAt = 7, Cron = "0 * * * *", TimeZone = "UTC", DecidedUntil = s_at.AddMinutes(-30) };

    private static ScheduleSpec Spec(string cron) => new() { Cron = cron, Job = JsonDocument.Parse("{}").RootElement };

    private static ScheduleState Decide(ScheduleState state, DateTimeOffset now, ScheduleConcurrency concurrency = default, MissedRuns missed = default, params JobRecord[] unfinished)
    {
        Assert.True(CronExpression.TryParse(state.Cron, out var cron, out var error), error);
        return ScheduleRule.Decide(state, Spec(state.Cron) with { Concurrency = concurrency, MissedRuns = missed }, cron, TimeZoneInfo.Utc, unfinished, now);
    }
}
