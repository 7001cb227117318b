using Cortex.Queues.Sqlite.Live;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Queues.Tests.Sqlite;

/// <summary>The memory of what waits, against a model that is too simple to be wrong.</summary>
public sealed class LiveMessagesModelTests
{
    private const int Fairness = 3;

    private static readonly TimeSpan Visibility = TimeSpan.FromSeconds(5);

    private enum Do
    {
        Add,
        AddDelayed,
        Lease,
        Release,
        Extend,
        Finish,
        PutBack,
        PutBackDelayed,
        Advance,
    }

    [Fact]
    public void AnySequenceOfCalls_AgreesWithTheModel()
    {
        var step = from what in Gen.Elements(Enum.GetValues<Do>())
                   from pick in Gen.Choose(0, 1000)
                   from priority in Gen.Choose(0, 9)
                   select (what, pick, priority);
        var runs = Gen.ListOf(step).ToArbitrary();

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(200), Prop.ForAll(runs, steps => Run([.. steps])));
    }

    [Fact]
    public void Cancelled_InMasses_LeaveTheMemory()
    {
        var line = new WaitingLine(Fairness);
        for (var i = 0; i < 100_000; i++)
        {
            line.Add(i, i % 10);
        }

        for (var i = 0; i < 100_000; i++)
        {
            if (i % 1000 != 7)
            {
                line.Remove(i);
            }
        }

        Assert.Equal(100, line.Count);
        Assert.Equal(7, line.PeekOldest());
        var taken = new List<long>();
        while (line.TryTake(out var sequence, out var priority))
        {
            Assert.Equal(sequence % 10, priority);
            taken.Add(sequence);
        }

        Assert.Equal(Enumerable.Range(0, 100).Select(i => (i * 1000L) + 7), taken);
    }

    private static void Run((Do What, int Pick, int Priority)[] steps)
    {
        var time = new ManualTime();
        using var live = new LiveMessages(time, firstToken: 0);
        var queue = new QueueState(1, "q", Fairness);
        var model = new Dictionary<long, Entry>();
        var held = new Dictionary<long, LiveLease>();
        var next = 1L;
        var takes = 0;
        foreach (var (what, pick, priority) in steps)
        {
            var now = time.GetElapsedTime(0).Ticks;
            var some = model.Count == 0 ? 0 : model.Keys.Order().ElementAt(pick % model.Count);
            switch (what)
            {
                case Do.Add:
                    live.Add(queue, next, priority);
                    model[next++] = new Entry(priority);
                    break;
                case Do.AddDelayed:
                    live.AddDelayed(queue, next, priority, live.Now + TimeSpan.FromSeconds(1 + (pick % 5)).Ticks);
                    model[next++] = new Entry(priority) { Due = now + TimeSpan.FromSeconds(1 + (pick % 5)).Ticks };
                    break;
                case Do.Lease:
                    var lease = live.Lease(queue, Visibility, wait: false, out _);
                    var ready = model.Where(m => m.Value.IsReady(now)).ToList();
                    if (ready.Count > 0)
                    {
                        takes++;
                        var expected = takes % Fairness == 0
                            ? ready.MinBy(m => m.Key)
                            : ready.OrderByDescending(m => m.Value.Priority).ThenBy(m => m.Key).First();
                        Assert.Equal((expected.Key, expected.Value.Priority), (lease!.Sequence, lease.Priority));
                        expected.Value.LeasedUntil = now + Visibility.Ticks;
                        held[lease.Sequence] = lease;
                    }
                    else
                    {
                        Assert.Null(lease);
                    }

                    break;
                case Do.Release when held.TryGetValue(some, out var released):
                    live.Release(some, released.Token);
                    if (model[some].LeasedUntil > now)
                    {
                        model[some].LeasedUntil = 0;
                        model[some].Due = 0;
                    }

                    break;
                case Do.Extend when held.TryGetValue(some, out var extended):
                    var visibility = TimeSpan.FromSeconds(1 + (pick % 9));
                    live.Extend(new Lease(new MessageId(some, 0), extended.Token), visibility);
                    if (model[some].LeasedUntil > now)
                    {
                        model[some].LeasedUntil = now + visibility.Ticks;
                    }

                    break;
                case Do.Finish when some > 0:
                    live.Finish(queue, some, held.GetValueOrDefault(some)?.Token ?? 0);
                    model.Remove(some);
                    held.Remove(some);
                    break;
                case Do.PutBack or Do.PutBackDelayed when some > 0 && held.TryGetValue(some, out var put):
                    var due = what == Do.PutBack ? 0 : now + TimeSpan.FromSeconds(1 + (pick % 5)).Ticks;
                    live.PutBack(queue, some, model[some].Priority, put.Token, due == 0 ? 0 : live.Now + due - now);
                    model[some].LeasedUntil = 0;
                    model[some].Due = due;
                    break;
                case Do.Advance:
                    time.Advance(TimeSpan.FromSeconds(pick % 4));
                    break;
            }

            now = time.GetElapsedTime(0).Ticks;
            var (waiting, delayed, leased, oldest) = live.Count(queue);
            Assert.Equal(
                (model.Values.Count(m => m.IsReady(now)), model.Values.Count(m => m.IsDelayed(now)), model.Values.Count(m => m.LeasedUntil > now)),
                (waiting, delayed, leased));
            Assert.Equal(model.Where(m => m.Value.IsReady(now)).Select(m => (long?)m.Key).Min(), oldest);
            Assert.Equal(model.Where(m => m.Value.LeasedUntil > now).Select(m => m.Key).OrderDescending(), live.ListLeased(queue));
        }
    }

    private sealed class Entry(int priority)
    {
        public int Priority => priority;

        public long Due { get; set; }

        public long LeasedUntil { get; set; }

        public bool IsReady(long now) => LeasedUntil <= now && Due <= now;

        public bool IsDelayed(long now) => LeasedUntil <= now && Due > now;
    }
}
