using Cortex.Runtimes.Supervision;

namespace Cortex.Runtimes.Tests.Supervision;

/// <summary>What must hold for any machine, any groups and any pods.</summary>
public sealed class RoomPropertyTests
{
    private const int Cases = 2000;

    [Fact]
    public void Decide_AnyPicture_NeverGivesMoreThanThereIs() => ForAll(picture =>
    {
        var ledger = picture.Ledger();
        foreach (var request in picture.Waiting.Where(request => picture.Decisions[request.PodId].Shortage is null))
        {
            ledger.Take(new RoomHolder(request.Owner, request.Wants, picture.Decisions[request.PodId].NodeGroup, request.NodeGroups));
        }

        Assert.True(picture.Machine.Fits(ledger.Taken), "the machine is overfull");
        foreach (var group in ledger.Groups())
        {
            Assert.True(group.CpuMillisReserved <= group.CpuMillis && group.MemoryBytesReserved <= group.MemoryBytes, $"group {group.Name} is overfull");
        }
    });

    [Fact]
    public void Decide_AnyPicture_PutsPodsOnlyIntoGroupsThatTheyMayUse() => ForAll(picture =>
    {
        foreach (var request in picture.Waiting.Where(request => picture.Decisions[request.PodId].Shortage is null && picture.Groups.Length > 0))
        {
            var group = picture.Decisions[request.PodId].NodeGroup;
            Assert.Contains(picture.Groups, each => each.Name == group);
            Assert.True(request.NodeGroups?.Contains(group) ?? true);
        }
    });

    [Fact]
    public void Decide_NothingIsKept_LeavesNobodyOutWhoFits() => ForAll(picture =>
    {
        var ledger = picture.Ledger();
        foreach (var request in picture.Waiting.Where(request => picture.Decisions[request.PodId].Shortage is null))
        {
            ledger.Take(new RoomHolder(request.Owner, request.Wants, picture.Decisions[request.PodId].NodeGroup, request.NodeGroups));
        }

        foreach (var request in picture.Waiting.Where(request => picture.Decisions[request.PodId].Shortage is not null))
        {
            Assert.NotNull(ledger.Place(request, keep: false).Shortage);
        }
    }, waited: 0);

    [Fact]
    public void Decide_PodsOfOneSize_AreSharedOutEvenly() => ForAll(picture =>
    {
        // Whoever still waits holds no more than one pod less than anybody who was given room just now.
        var one = new Room(1, 1, 0);
        var held = picture.Holders.CountBy(holder => holder.Owner.Api).ToDictionary();
        foreach (var request in picture.Waiting.Where(request => picture.Decisions[request.PodId].Shortage is null))
        {
            held[request.Owner.Api] = held.GetValueOrDefault(request.Owner.Api) + 1;
        }

        var waits = picture.Waiting.Where(request => picture.Decisions[request.PodId].Shortage is not null).Select(request => request.Owner.Api).Distinct();
        var given = picture.Waiting.Where(request => picture.Decisions[request.PodId].Shortage is null).Select(request => request.Owner.Api).Distinct().ToList();
        foreach (var api in waits)
        {
            Assert.All(given, other => Assert.True(held[other] <= held.GetValueOrDefault(api) + 1, $"{other} was given room and has {held[other]}, {api} waits and has {held.GetValueOrDefault(api)}"));
        }

        Assert.All(picture.Waiting, request => Assert.Equal(one, request.Wants));
    }, waited: 0, equal: true);

    [Fact]
    public void Decide_ApiThatAlwaysWantsMore_DoesNotKeepJobsWaiting()
    {
        // Replicas live for a while, as they do where an API scales up and down, and there are always fifty that wait.
        var day = new Day(new Room(10_000, 10_000, 0));
        for (var i = 0; i < 50; i++)
        {
            day.Submit($"replica-{i}", new RoomOwner("replicas", ""), new Room(1000, 1000, 0), lasts: 400, again: true);
        }

        day.Run(4800, now =>
        {
            if (now % 7 == 0)
            {
                day.Submit($"short-{now}", new RoomOwner("short", $"{now}"), new Room(1000, 500, 0), lasts: 5 + (now % 11));
            }

            if (now % 200 == 0)
            {
                day.Submit($"long-{now}", new RoomOwner("long", $"{now}"), new Room(2000, 2000, 0), lasts: 300);
            }
        });

        // At first, when all is taken by replicas that began together, everybody waits for their end.
        Assert.InRange(day.Longest("short"), 1, 410);
        Assert.InRange(day.Longest("long"), 1, 610);
        Assert.InRange(day.Longest("short", since: 1200), 0, 150);
    }

    [Fact]
    public void Decide_StreamOfSmallJobs_DoesNotKeepABigOneWaiting()
    {
        var day = new Day(new Room(10_000, 10_000, 0));
        day.Run(7200, now =>
        {
            if (now % 3 == 0)
            {
                day.Submit($"short-{now}", new RoomOwner($"short{now % 4}", $"{now}"), new Room(1000, 500, 0), lasts: 10 + (now % 21));
            }

            if (now % 1500 == 100)
            {
                day.Submit($"big-{now}", new RoomOwner("big", $"{now}"), new Room(9000, 9000, 0), lasts: 60);
            }
        });

        // The patience, then the end of those that have passed it, and of those that were before it.
        Assert.InRange(day.Longest("big"), 1, 30 + 31 + 31);
    }

    /// <summary>A machine over some time, a second at a time.</summary>
    private sealed class Day(Room machine)
    {
        private readonly List<(RoomHolder Holder, int Ends)> _running = [];
        private readonly List<Pod> _waiting = [];
        private readonly List<(string Api, int Began, int Waited)> _begun = [];
        private int _now;

        public void Submit(string id, RoomOwner owner, Room wants, int lasts, bool again = false) => _waiting.Add(new Pod(id, owner, wants, _now, lasts, again));

        public int Longest(string api, int since = 0) => _begun.Where(pod => pod.Api.StartsWith(api, StringComparison.Ordinal) && pod.Began >= since).Max(pod => pod.Waited);

        public void Run(int seconds, Action<int> arrive)
        {
            for (; _now < seconds; _now++)
            {
                _running.RemoveAll(pod => pod.Ends <= _now);
                arrive(_now);
                var decisions = RoomRule.Decide(
                    machine, [], _running.Select(pod => pod.Holder), _waiting.Select(pod => new RoomRequest(pod.Id, pod.Owner, pod.Wants, TimeSpan.FromSeconds(_now - pod.Since), null)), TimeSpan.FromSeconds(30));
                foreach (var pod in _waiting.Where(pod => decisions[pod.Id].Shortage is null).ToList())
                {
                    _waiting.Remove(pod);
                    _running.Add((new RoomHolder(pod.Owner, pod.Wants, null, null), _now + pod.Lasts));
                    _begun.Add((pod.Owner.Api, _now, _now - pod.Since));
                    if (pod.Again)
                    {
                        Submit($"{pod.Id}+", pod.Owner, pod.Wants, pod.Lasts, again: true);
                    }
                }
            }
        }

        private sealed record Pod(string Id, RoomOwner Owner, Room Wants, int Since, int Lasts, bool Again);
    }

    private static void ForAll(Action<Picture> check, int? waited = null, bool equal = false)
    {
        for (var seed = 0; seed < Cases; seed++)
        {
            var picture = Picture.Random(new Random(seed), waited, equal);
            try
            {
                check(picture);
            }
            catch (Exception exception) when (exception is not InvalidOperationException)
            {
                throw new InvalidOperationException($"seed {seed}: {exception.Message}", exception);
            }
        }
    }

    private sealed record Picture(Room Machine, NodeGroupShare[] Groups, RoomHolder[] Holders, RoomRequest[] Waiting)
    {
        public IReadOnlyDictionary<string, RoomDecision> Decisions { get; } = RoomRule.Decide(Machine, Groups, Holders, Waiting, TimeSpan.FromSeconds(30));

        public RoomLedger Ledger()
        {
            var ledger = new RoomLedger(Machine, Groups);
            foreach (var holder in Holders)
            {
                ledger.Take(holder);
            }

            return ledger;
        }

        public static Picture Random(Random random, int? waited, bool equal)
        {
            var machine = new Room(random.Next(1, 40), random.Next(1, 40), 0);
            NodeGroupShare[] groups = equal ? [] : [.. Enumerable.Range(0, random.Next(4)).Select(i => new NodeGroupShare($"g{i}", random.Next(1, 3), Maybe(20), Maybe(20)))];
            var holders = new List<RoomHolder>();
            var free = new RoomLedger(machine, groups);
            for (var i = random.Next(10); i > 0; i--)
            {
                // What runs was given room by the rule too.
                var request = new RoomRequest("h", new RoomOwner($"api{random.Next(4)}", Job()), Wants(), TimeSpan.Zero, Names());
                if (free.Place(request, keep: false) is { Shortage: null } placed)
                {
                    holders.Add(new RoomHolder(request.Owner, request.Wants, placed.NodeGroup, request.NodeGroups));
                }
            }

            RoomRequest[] waiting = [.. Enumerable.Range(0, random.Next(20)).Select(i =>
                new RoomRequest($"p{i}", new RoomOwner($"api{random.Next(4)}", Job()), Wants(), TimeSpan.FromSeconds(waited ?? random.Next(400)), Names()))];
            return new Picture(machine, groups, [.. holders], waiting);

            long? Maybe(int max) => random.Next(2) == 0 ? null : random.Next(max);
            string Job() => equal || random.Next(2) == 0 ? "" : $"job{random.Next(3)}";
            Room Wants() => equal ? new Room(1, 1, 0) : new Room(random.Next(8), random.Next(8), 0);
            string[]? Names() => equal || random.Next(2) == 0 ? null : [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => $"g{random.Next(4)}")];
        }
    }
}
