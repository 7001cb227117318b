using System.Globalization;

namespace Cortex.Runtimes.Supervision;

/// <summary>How much room there is and what is taken of it, on the machine and in each of its node groups.</summary>
internal sealed class RoomLedger
{
    private readonly Room _all;
    private readonly IReadOnlyList<Group> _groups;
    private readonly List<(string Id, Room Holds, Group? Group)> _standing = [];
    private Room _free;
    private Room _ending;
    private Room _frozen;
    private string? _keptFor;

    /// <summary>A ledger of an empty machine.</summary>
    /// <param name="capacity">All the room there is.</param>
    /// <param name="groups">Its node groups; without any the machine is the only one, and has no name.</param>
    public RoomLedger(Room capacity, IReadOnlyList<NodeGroupShare> groups)
    {
        _all = _free = capacity;
        _groups = groups.Count > 0
            ? [.. groups.OrderByDescending(group => group.Priority).Select(group => new Group(group.Name, group.Priority, SizeOf(group, capacity)))]
            : [new Group(null, 0, capacity)];
    }

    /// <summary>What is taken of the machine.</summary>
    public Room Taken => _all - _free;

    /// <summary>The room of a group: its share of the machine, and never more than that.</summary>
    public static Room SizeOf(NodeGroupShare group, Room machine) => new(
        Math.Min(group.CpuMillis ?? long.MaxValue, machine.CpuMillis),
        Math.Min(group.MemoryBytes ?? long.MaxValue, machine.MemoryBytes),
        Math.Min(group.Gpus ?? long.MaxValue, machine.Gpus));

    /// <summary>The groups as they are now; none when the machine has none.</summary>
    public IReadOnlyList<NodeGroupRoom> Groups() =>
    [
        .. _groups.Where(group => group.Name is not null).Select(group => new NodeGroupRoom
        {
            Name = group.Name!,
            CpuMillis = group.Size.CpuMillis,
            MemoryBytes = group.Size.MemoryBytes,
            Gpus = group.Size.Gpus,
            CpuMillisReserved = (group.Size - group.Free).CpuMillis,
            MemoryBytesReserved = (group.Size - group.Free).MemoryBytes,
            GpusReserved = (group.Size - group.Free).Gpus,
            Pods = group.Pods,
        }),
    ];

    /// <summary>Notes a pod that has room, also where it is more than there is.</summary>
    /// <returns>The group that it counts against: its own or, where that is not known, one that it may use; null when there is none.</returns>
    public string? Take(RoomHolder holder)
    {
        Count(holder.Owner, holder.Holds);
        var usable = Usable(holder.NodeGroups);
        var group = holder.NodeGroup is { } name
            ? _groups.FirstOrDefault(group => group.Name == name)
            : usable.FirstOrDefault(group => group.Free.Fits(holder.Holds)) ?? usable.FirstOrDefault();
        group?.Take(holder.Owner, holder.Holds, holder.FrozenId is not null);
        if (holder.FrozenId is { } id)
        {
            _frozen += holder.Holds;
            _standing.Add((id, holder.Holds, group));
        }

        return group?.Name;
    }

    /// <summary>Gives a pod room, or says what is missing.</summary>
    /// <param name="request">The pod.</param>
    /// <param name="keep">Whether what is free is kept for it from now on, when it gets none.</param>
    public RoomDecision Place(RoomRequest request, bool keep)
    {
        var (id, wants) = (request.PodId, request.Wants);
        var usable = Usable(request.NodeGroups);
        if (usable.Count == 0)
        {
            return new(null, $"the cluster's configuration has none of its node groups ({string.Join(", ", request.NodeGroups!)}) any more; deploy it with others");
        }

        var open = usable.Where(group => group.Free.Fits(wants)).ToList();
        var chosen = open.FirstOrDefault(group => wants.IsNothing || (group.KeptFor is null && _keptFor is null));
        if (chosen is not null && _free.Fits(wants))
        {
            Count(request.Owner, wants);
            chosen.Take(request.Owner, wants);
            return new(chosen.Name, null);
        }

        if (open.Count > 0 && _free.Fits(wants))
        {
            return new(null, $"the free room is kept for {_keptFor ?? open[0].KeptFor}, which is before it and needs more than there is");
        }

        if (keep)
        {
            Keep(id, wants, usable, machineIsShort: open.Any(group => group.KeptFor is null));
        }

        var shortage = open.Count > 0
            ? $"{(open[0].Name is null ? "" : "this machine: ")}{Shortage(wants, _free, _all)}"
            : string.Join("; ", usable.Select(group => $"{(group.Name is null ? "" : $"node group {group.Name}: ")}{Shortage(wants, group.Free, group.Size)}"));
        return new(null, shortage, InTheWay(wants, usable));
    }

    // The oldest pod that stands still on what is missing, in a group that would have enough without those that do.
    private string? InTheWay(Room wants, List<Group> usable)
    {
        var possible = (_free + _frozen).Fits(wants) ? usable.Where(group => (group.Free + group.Frozen).Fits(wants)) : [];
        foreach (var group in possible)
        {
            var isOpen = group.Free.Fits(wants);
            var missing = isOpen ? wants - _free : wants - group.Free;
            var first = _standing.FirstOrDefault(pod => (isOpen || pod.Group == group)
                && ((missing.MemoryBytes > 0 && pod.Holds.MemoryBytes > 0) || (missing.Gpus > 0 && pod.Holds.Gpus > 0)));
            if (first.Id is not null)
            {
                return first.Id;
            }
        }

        return null;
    }

    private void Count(RoomOwner owner, Room room)
    {
        _free -= room;
        _ending += owner.Ends ? room : default;
    }

    // Only where the end of the jobs that run will make room for it, frozen replicas making way: others stay, and to wait for
    // one of them to go would leave what is free unused for ever. What is kept for one pod stays its own.
    private void Keep(string podId, Room wants, List<Group> usable, bool machineIsShort)
    {
        var possible = usable.Where(group => (group.Free + group.Ending + group.Frozen).Fits(wants)).ToList();
        if (possible.Count == 0 || !(_free + _ending + _frozen).Fits(wants))
        {
            return;
        }

        if (machineIsShort)
        {
            _keptFor ??= podId;
            return;
        }

        foreach (var group in possible)
        {
            group.KeptFor ??= podId;
        }
    }

    // The groups that a pod may use, preferred ones first.
    private List<Group> Usable(IReadOnlyList<string>? names) => names is null || _groups[0].Name is null
        ? [.. _groups]
        : [.. names.Distinct().Select(name => _groups.FirstOrDefault(group => group.Name == name)).OfType<Group>().OrderByDescending(group => group.Priority)];

    private static string Shortage(Room wants, Room free, Room all)
    {
        var missing = new List<string>();
        if (wants.CpuMillis > 0 && wants.CpuMillis > free.CpuMillis)
        {
            missing.Add($"not enough cpu: wants {wants.CpuMillis}m, {Math.Max(0, free.CpuMillis)}m of {all.CpuMillis}m are free");
        }

        if (wants.MemoryBytes > 0 && wants.MemoryBytes > free.MemoryBytes)
        {
            missing.Add($"not enough memory: wants {Mebibytes(wants.MemoryBytes)}, {Mebibytes(Math.Max(0, free.MemoryBytes))} of {Mebibytes(all.MemoryBytes)} are free");
        }

        if (wants.Gpus > 0 && wants.Gpus > free.Gpus)
        {
            missing.Add($"not enough gpus: wants {wants.Gpus}, {Math.Max(0, free.Gpus)} of {all.Gpus} are free");
        }

        return string.Join("; ", missing);
    }

    private static string Mebibytes(long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.#} Mi");

    private sealed class Group(string? name, int priority, Room size)
    {
        public string? Name => name;

        public int Priority => priority;

        public Room Size { get; } = size;

        public Room Free { get; private set; } = size;

        /// <summary>What workers of jobs take of it.</summary>
        public Room Ending { get; private set; }

        /// <summary>What frozen pods take of it.</summary>
        public Room Frozen { get; private set; }

        public int Pods { get; private set; }

        /// <summary>The pod that what is free is kept for.</summary>
        public string? KeptFor { get; set; }

        public void Take(RoomOwner owner, Room room, bool isFrozen = false)
        {
            Free -= room;
            Frozen += isFrozen ? room : default;
            Ending += owner.Ends ? room : default;
            Pods++;
        }
    }
}
