using Cortex.Jobs.Tests.Support;
using Cortex.Runtimes;

namespace Cortex.Jobs.Tests;

public sealed class JobLogsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cortex-jobs-").FullName;

    [Fact]
    public async Task Keep_Lines_AreReadBackAsTheyWere()
    {
        var logs = new JobLogs(_folder, 1 << 20);
        LogLine[] lines = [new("main", Some.Start.AddTicks(1234567), "one\ttwo", false), new("side", Some.Start.AddSeconds(1), "", true), new("main", Some.Start.AddSeconds(2), "ünïcode", false)];

        await logs.KeepAsync("a", "1", 1, lines.ToAsyncEnumerable(), CancellationToken.None);

        Assert.Equal(lines, await ReadAsync(logs, 1));
        Assert.Empty(await ReadAsync(logs, 2));
    }

    [Fact]
    public async Task Keep_MoreThanFits_KeepsTheLastWholeLines()
    {
        var logs = new JobLogs(_folder, 2000);

        await logs.KeepAsync("a", "1", 1, Enumerable.Range(0, 1000).Select(i => new LogLine("main", Some.Start, $"line {i}", false)).ToAsyncEnumerable(), CancellationToken.None);

        var kept = await ReadAsync(logs, 1);
        Assert.InRange(kept.Count, 30, 60);
        Assert.Equal(Enumerable.Range(1000 - kept.Count, kept.Count).Select(i => $"line {i}"), kept.Select(line => line.Text));
        Assert.InRange(new FileInfo(Path.Combine(_folder, "a", "1", "1.log")).Length, 1, 2000);
    }

    [Fact]
    public async Task Keep_NothingAfterSomething_LeavesIt()
    {
        var logs = new JobLogs(_folder, 2000);
        await logs.KeepAsync("a", "1", 1, new[] { new LogLine("main", Some.Start, "first", false) }.ToAsyncEnumerable(), CancellationToken.None);

        await logs.KeepAsync("a", "1", 1, AsyncEnumerable.Empty<LogLine>(), CancellationToken.None);

        Assert.Equal("first", Assert.Single(await ReadAsync(logs, 1)).Text);
    }

    [Fact]
    public async Task Keep_Fails_LeavesWhatWasKeptAndNothingUnfinished()
    {
        var logs = new JobLogs(_folder, 2000);
        await logs.KeepAsync("a", "1", 1, new[] { new LogLine("main", Some.Start, "first", false) }.ToAsyncEnumerable(), CancellationToken.None);
        var lines = Enumerable.Range(0, 2).Select(i => i == 0 ? new LogLine("main", Some.Start, "second", false) : throw new IOException("disk full"));

        await Assert.ThrowsAsync<IOException>(() => logs.KeepAsync("a", "1", 1, lines.ToAsyncEnumerable(), CancellationToken.None));

        Assert.False(logs.IsKeeping("a", "1"));
        Assert.Equal("first", Assert.Single(await ReadAsync(logs, 1)).Text);
    }

    [Fact]
    public async Task RemoveUnknown_RemovesOnlyThose()
    {
        var logs = new JobLogs(_folder, 2000);
        await logs.KeepAsync("a", "1", 1, AsyncEnumerable.Empty<LogLine>(), CancellationToken.None);
        await logs.KeepAsync("a", "2", 1, AsyncEnumerable.Empty<LogLine>(), CancellationToken.None);

        await logs.RemoveUnknownAsync(_ => Task.FromResult<IReadOnlySet<string>>(new HashSet<string> { "2" }));
        logs.Remove("a", "none");

        Assert.False(logs.Has("a", "1", 1));
        Assert.True(logs.Has("a", "2", 1));
    }

    [Fact]
    public async Task Kept_StrayFiles_AreNoAttempts()
    {
        var logs = new JobLogs(_folder, 2000);
        await logs.KeepAsync("a", "1", 2, AsyncEnumerable.Empty<LogLine>(), CancellationToken.None);
        foreach (var stray in (string[])["1-old.log", ".log", "+3.log", "99999999999.log", " 4.log", "x.log.new", "core"])
        {
            await File.WriteAllTextAsync(Path.Combine(_folder, "a", "1", stray), "");
        }

        Assert.Equal([2], logs.Kept("a", "1"));
        Assert.False(logs.IsKeeping("a", "1"));
    }

    [Fact]
    public async Task IsKeeping_WhileLinesCome_IsTrue()
    {
        var logs = new JobLogs(_folder, 2000);
        var end = new TaskCompletionSource();
        var keeping = logs.KeepAsync("a", "1", 1, LinesAsync(), CancellationToken.None);

        Assert.True(logs.IsKeeping("a", "1"));
        Assert.False(logs.IsKeeping("a", "2"));
        end.SetResult();
        await keeping;
        Assert.False(logs.IsKeeping("a", "1"));

        async IAsyncEnumerable<LogLine> LinesAsync()
        {
            await end.Task;
            yield break;
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<List<LogLine>> ReadAsync(JobLogs logs, int attempt) =>
        await logs.ReadAsync("a", "1", attempt, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
}
