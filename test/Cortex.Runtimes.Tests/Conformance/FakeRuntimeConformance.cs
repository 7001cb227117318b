using Cortex.Runtimes.Fake;

namespace Cortex.Runtimes.Tests.Conformance;

public sealed class FakeRuntimeConformance : RuntimeConformance
{
    private static readonly TimeSpan _soon = TimeSpan.FromMilliseconds(20);

    private readonly FakeMachine _machine = new(TimeProvider.System) { StalledAfter = TimeSpan.FromSeconds(2) };

    protected override IContainerRuntime Open(IReadOnlyList<NodeGroupShare> groups)
    {
        _machine.NodeGroups = groups;
        return new FakeRuntime(_machine);
    }

    protected override Task CleanAsync() => Task.CompletedTask;

    protected override PodDefinition Make(Wish wish)
    {
        _machine.Behave(wish.Id, new FakeBehaviour
        {
            ReadyAfter = wish.Kind is Kind.NeverReady ? Timeout.InfiniteTimeSpan : _soon,
            CreatingFor = wish.Kind is Kind.ImageIsSlow ? Timeout.InfiniteTimeSpan : _soon,
            ImageError = wish.Kind is Kind.ImageIsMissing ? "dial tcp 127.0.0.1:1: connection refused" : null,
            Exit = wish.Kind switch
            {
                Kind.Exits or Kind.OneExits => new FakeExit(_soon, wish.ExitCode),
                Kind.EatsMemory => new FakeExit(_soon, 137, OomKilled: true),
                Kind.FailsLiveness => new FakeExit(_soon, 143),
                _ => null,
            },
            StopTakes = wish.Kind is Kind.IgnoresStop ? TimeSpan.FromHours(1) : _soon,
            Log = wish.Kind is Kind.Writes ? ["one", "two", "three"] : [],
            Usage = new PodUsage(0.5, 1 << 20),
            Exec = command => command[0] == "false" ? new ExecResult(1, "", false) : new ExecResult(0, string.Join(' ', command.Skip(1)) + "\n", false),
        });
        string[] names = wish.Kind is Kind.Exits or Kind.EatsMemory ? ["web"] : ["web", "side"];
        return new PodDefinition
        {
            Id = wish.Id,
            Labels = new Dictionary<string, string> { [PodLabels.ApiName] = $"{wish.Id}-api" },
            Port = 8080,
            Restart = wish.Restart,
            HelperGrace = wish.HelperGrace,
            Containers = [.. names.Select((name, i) => new PodContainer
            {
                Name = name,
                Image = "anything",
                CpuMillis = i == 0 ? wish.CpuMillis : 0,
                MemoryBytes = i == 0 ? wish.MemoryBytes : 0,
            })],
        };
    }
}
