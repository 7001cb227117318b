using Cortex.Queues.Sqlite;
using Cortex.Queues.Sqlite.Operations;

namespace Cortex.Queues.Tests.Sqlite;

/// <summary>The gate before the writer.</summary>
public sealed class IntakeTests
{
    private const int MiB = 1024 * 1024;

    private readonly Intake _intake = new(new QueueStoreOptions { MaxCommitBytes = 2 * MiB, MaxPendingBytes = 4 * MiB, MaxPendingOperations = 5000 });

    [Fact]
    public void Take_MoreThanACommitHolds_EndingGoesFirst()
    {
        var submits = Enumerable.Range(0, 3).Select(_ => new Fake(MiB, grows: true)).ToArray();
        var ends = Enumerable.Range(0, 3).Select(_ => new Fake(MiB / 2, grows: false)).ToArray();
        foreach (var operation in submits.Concat(ends))
        {
            _intake.Add(operation);
        }

        Assert.Equal([.. ends], Take());
        Assert.Equal([submits[0], submits[1]], Take());
        Assert.Equal([submits[2]], Take());
        Assert.Equal((0, 0L), _intake.Pending);
    }

    [Fact]
    public void Take_OneLargerThanACommit_GoesAlone()
    {
        var large = new Fake(3 * MiB, grows: true);
        _intake.Add(large);
        _intake.Add(new Fake(1, grows: true));

        Assert.Equal([large], Take());
    }

    [Fact]
    public void Take_ManySmall_AtMostAThousandAndSome()
    {
        for (var i = 0; i < 3000; i++)
        {
            _intake.Add(new Fake(1, grows: true));
        }

        Assert.Equal([1024, 1024, 952], [Take().Count, Take().Count, Take().Count]);
    }

    [Fact]
    public void Add_BytesOverTheLimit_Busy()
    {
        _intake.Add(new Fake(3 * MiB, grows: true));
        Assert.Throws<StoreBusyException>(() => _intake.Add(new Fake(2 * MiB, grows: true)));

        _intake.Add(new Fake(2 * MiB, grows: false));
        _intake.Add(new Fake(1 * MiB, grows: true));
        Assert.Equal((3, 6L * MiB), _intake.Pending);
    }

    [Fact]
    public void Add_OneOverTheLimitAlone_IsLetIn()
    {
        _intake.Add(new Fake(5 * MiB, grows: true));
        Assert.Single(Take());
    }

    [Fact]
    public void Take_Closed_GivesTheRestAndThenEnds()
    {
        _intake.Add(new Fake(1, grows: true));
        _intake.Close();

        Assert.Throws<ObjectDisposedException>(() => _intake.Add(new Fake(1, grows: true)));
        Assert.Single(Take());
        Assert.False(_intake.Take([], hasBackground: false));
    }

    [Fact]
    public void Take_OnlyBackgroundWork_ReturnsEmpty()
    {
        Assert.True(_intake.Take([], hasBackground: true));
        _intake.WakeForBackground();
        Assert.True(_intake.Take([], hasBackground: false));
    }

    private List<Operation> Take()
    {
        var group = new List<Operation>();
        Assert.True(_intake.Take(group, hasBackground: false));
        return group;
    }

    private sealed class Fake(long bytes, bool grows) : Operation
    {
        public override long Bytes => bytes;

        public override bool Grows => grows;

        public override void Execute(WriteContext context)
        {
        }

        public override void Apply(WriteContext context)
        {
        }

        public override void Succeed()
        {
        }

        public override void Fail(Exception exception)
        {
        }
    }
}
