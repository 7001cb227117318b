using Cortex.Queues.Sqlite.Live;

namespace Cortex.Queues.Tests.Sqlite;

/// <summary>What was just written and is leased soon.</summary>
public sealed class PayloadCacheTests
{
    private readonly PayloadCache _cache = new(limit: 10_000);

    [Fact]
    public void Add_Full_KeepsTheOlderOnes()
    {
        for (var i = 0; i < 100; i++)
        {
            _cache.Add(i, Message(1));
        }

        Assert.Equal(8, Enumerable.Range(0, 100).Count(i => _cache.TryTake(i, out _)));
        _cache.Add(0, Message(1));
        Assert.True(_cache.TryTake(0, out var message));
        Assert.Equal(1000, message.Payload.Length);
        Assert.False(_cache.TryTake(0, out _));
    }

    [Fact]
    public void RemoveQueue_Deleted_MakesRoomForOthers()
    {
        for (var i = 0; i < 100; i++)
        {
            _cache.Add(i, Message(i % 2));
        }

        _cache.RemoveQueue(0);

        Assert.Equal([1, 3, 5, 7], Enumerable.Range(0, 8).Where(i => _cache.TryTake(i, out _)));
        for (var i = 0; i < 100; i++)
        {
            _cache.Add(i, Message(2));
        }

        Assert.Equal(8, Enumerable.Range(0, 100).Count(i => _cache.TryTake(i, out _)));
    }

    private static CachedMessage Message(int queue) => new(queue, 1, default, Body.Of(new byte[1000]), 0);
}
