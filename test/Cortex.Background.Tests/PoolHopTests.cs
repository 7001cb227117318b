namespace Cortex.Background.Tests;

public sealed class PoolHopTests
{
    [Fact]
    public async Task OnPoolAsync_CompletedByAnotherThread_GoesOnInThePool()
    {
        var socket = new TaskCompletionSource<int>();
        var hopped = HopAsync();
        CompleteOnOwnThread(() => socket.SetResult(7));

        Assert.Equal((7, true), await hopped);

        async Task<(int, bool)> HopAsync() => (await socket.Task.OnPoolAsync(), Thread.CurrentThread.IsThreadPoolThread);
    }

    [Fact]
    public async Task OnPoolAsync_FailedByAnotherThread_FailsInThePool()
    {
        var socket = new TaskCompletionSource();
        var hopped = HopAsync();
        CompleteOnOwnThread(() => socket.SetException(new IOException("reset")));

        Assert.True(await hopped);

        async Task<bool> HopAsync()
        {
            try
            {
                await socket.Task.OnPoolAsync();
                return false;
            }
            catch (IOException)
            {
                return Thread.CurrentThread.IsThreadPoolThread;
            }
        }
    }

    [Fact]
    public async Task ReadAsync_CompletedByAnotherThread_GoesOnInThePool()
    {
        // Often, as a hop that races with the pool is lost only now and then.
        for (var i = 0; i < 2000; i++)
        {
            await using var inner = new LateStream();
            await using var stream = new PoolStream(inner);
            var hopped = HopAsync();
            CompleteOnOwnThread(() => inner.Read.SetResult(3));

            Assert.Equal((3, true), await hopped);

            async Task<(int, bool)> HopAsync() => (await stream.ReadAsync(new byte[8], CancellationToken.None), Thread.CurrentThread.IsThreadPoolThread);
        }
    }

    private static void CompleteOnOwnThread(Action complete)
    {
        var thread = new Thread(() => complete());
        thread.Start();
        thread.Join();
    }

    private sealed class LateStream : MemoryStream
    {
        public new TaskCompletionSource<int> Read { get; } = new();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read.Task);
    }
}
