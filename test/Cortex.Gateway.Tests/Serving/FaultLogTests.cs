using Cortex.Gateway.Serving;
using Cortex.Gateway.Tests.Support;

namespace Cortex.Gateway.Tests.Serving;

public sealed class FaultLogTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly ManualTime _time = new();
    private readonly RecordingLogger _logger = new();
    private readonly FaultLog _faults;

    public FaultLogTests() => _faults = new FaultLog(_logger, _time);

    public void Dispose()
    {
        _faults.Dispose();
        _logger.Dispose();
    }

    [Fact]
    public void Add_ManyInASecond_OneLineAtOnceAndOneWithTheCount()
    {
        for (var i = 0; i < 1000; i++)
        {
            _faults.Add(i == 0 ? ReplicaFault.Unreachable : ReplicaFault.BadAnswer, "api", "r1", $"reason {i}");
        }

        Assert.Contains("r1 could not be reached (reason 0)", Assert.Single(_logger.Warnings));
        _time.Advance(Second);
        Assert.Equal(2, _logger.Warnings.Count);
        Assert.Contains("no proper answer (reason 999; one of 999 faults since the line before)", _logger.Warnings.Last());
    }

    [Fact]
    public void Add_EveryTenthOfASecond_IsOneLineASecond()
    {
        for (var i = 0; i < 100; i++)
        {
            _faults.Add(ReplicaFault.BrokenOff, "api", "r1", "broken");
            _time.Advance(Second / 10);
        }

        Assert.InRange(_logger.Warnings.Count, 10, 11);
    }

    [Fact]
    public void Add_OtherReplicaOrApi_HasLinesOfItsOwn()
    {
        _faults.Add(ReplicaFault.BadAnswer, "api", "r1", "x");
        _faults.Add(ReplicaFault.BadAnswer, "api", "r2", "x");
        _faults.Add(ReplicaFault.BadAnswer, "other", "r1", "x");

        Assert.Equal(3, _logger.Warnings.Count);
    }

    [Fact]
    public void Add_AfterAQuietSecond_IsToldAtOnce()
    {
        _faults.Add(ReplicaFault.BadAnswer, "api", "r1", "x");
        _time.Advance(Second);
        _faults.Add(ReplicaFault.BadAnswer, "api", "r1", "x");

        Assert.Equal(2, _logger.Warnings.Count);
    }
}
