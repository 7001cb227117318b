using System.Collections.Concurrent;
using Cortex.Async.Tests.Dispatch.Support;
using Cortex.Gateway.Tests.Support;
using Cortex.Queues;

namespace Cortex.Async.Tests.Dispatch;

/// <summary>A replica never has more requests in progress than it takes.</summary>
public sealed class ConcurrencyTests
{
    [Fact]
    public async Task Call_ReplicasComeAndLeaveAndLimitsChange_NoReplicaGetsMoreThanItsLimit()
    {
        const int Requests = 1500;
        var random = new Random(7);
        var counters = new ConcurrentDictionary<string, Counter>();
        var containers = new List<AppUpstream>();
        await using var service = await TestService.StartAsync();
        var limits = new[] { 5, 2 };
        for (var i = 0; i < 3; i++)
        {
            var counter = counters.GetOrAdd($"r{i}", static _ => new Counter());
            containers.Add(await AppUpstream.StartAsync(async http =>
            {
                counter.Enter();
                await Task.Delay(1);
                counter.Leave();
                http.Response.ContentType = "application/json";
                http.Response.ContentLength = 1;
                await http.Response.BodyWriter.WriteAsync("1"u8.ToArray());
            }));
        }

        service.MaxConcurrency = limits[0];
        service.Add("r0", containers[0].Port);
        var ids = new List<MessageId>();
        for (var i = 0; i < Requests; i++)
        {
            ids.Add(await service.SubmitAsync());
        }

        var incarnation = 0;
        while (!service.Store.IsDone(QueueNames.Of(TestService.Api)))
        {
            var replica = random.Next(3);
            service.MaxConcurrency = limits[random.Next(2)];
            if (random.Next(2) == 0)
            {
                service.Add($"r{replica}", containers[replica].Port, random.Next(3) == 0 ? ++incarnation : 0);
            }
            else
            {
                service.Remove($"r{replica}");
            }

            await Task.Delay(2, TestContext.Current.CancellationToken);
        }

        foreach (var id in ids)
        {
            Assert.Equal(MessageStatus.Completed, (await service.FinalAsync(id)).Status);
        }

        Assert.All(counters.Values, counter => Assert.InRange(counter.Most, 0, limits[0]));
        Assert.Contains(counters.Values, counter => counter.Most == limits[0]);
        await service.DisposeAsync();
        foreach (var container in containers)
        {
            await container.DisposeAsync();
        }
    }

    [Fact]
    public async Task Call_LimitIsLowered_OnlyAsManyAreBegunAsTheNewLimitAllows()
    {
        var counter = new Counter();
        var gate = new SemaphoreSlim(0);
        await using var container = await AppUpstream.StartAsync(async http =>
        {
            counter.Enter();
            await gate.WaitAsync();
            counter.Leave();
            http.Response.ContentType = "application/json";
            await http.Response.BodyWriter.WriteAsync("1"u8.ToArray());
        });
        await using var service = await TestService.StartAsync();
        service.MaxConcurrency = 4;
        service.Add("r1", container.Port);
        var ids = new List<MessageId>();
        for (var i = 0; i < 10; i++)
        {
            ids.Add(await service.SubmitAsync());
        }

        await Eventually.TrueAsync(() => counter.Now == 4, "four are in progress");
        service.MaxConcurrency = 1;
        service.Apply();
        gate.Release(3);
        await Eventually.TrueAsync(() => counter.Done == 3, "three are done");
        Assert.Equal(1, counter.Now);
        counter.Most = 0;
        gate.Release(7);

        foreach (var id in ids)
        {
            Assert.Equal(MessageStatus.Completed, (await service.FinalAsync(id)).Status);
        }

        Assert.Equal(1, counter.Most);
    }

    private sealed class Counter
    {
        private readonly Lock _lock = new();

        public int Now { get; private set; }

        public int Most { get; set; }

        public int Done { get; private set; }

        public void Enter()
        {
            lock (_lock)
            {
                Most = Math.Max(Most, ++Now);
            }
        }

        public void Leave()
        {
            lock (_lock)
            {
                Now--;
                Done++;
            }
        }
    }
}
