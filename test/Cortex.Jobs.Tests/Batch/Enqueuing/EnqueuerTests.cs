using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Items;
using Cortex.Jobs.Batch.Sources;
using Cortex.Jobs.Batch.Submissions;
using Cortex.Jobs.Tests.Batch.Sources;
using Cortex.Queues;
using Cortex.Queues.Sqlite;
using Cortex.Queues.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Jobs.Tests.Batch.Enqueuing;

public sealed class EnqueuerTests : IDisposable
{
    private const string Queue = "job/iris/69c1";
    private static readonly EnqueueOptions Options = new() { ChunkBatches = 3, StorePause = TimeSpan.FromMilliseconds(1), StorePatience = TimeSpan.FromSeconds(30) };

    private readonly TempFolder _folder = new();
    private readonly SourceStorages _storages;
    private readonly MemoryBlobStore _blobs = new(TimeProvider.System);
    private readonly CrashingStore _store;

    public EnqueuerTests()
    {
        _storages = new SourceStorages(new SourceOptions { Folders = [_folder.Path], Attempts = 1 }, TimeProvider.System);
        _store = new CrashingStore(_blobs);
    }

    public void Dispose()
    {
        _storages.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task EnqueueAsync_ItemList_MakesBatchesOfConsecutiveItems()
    {
        var submission = Submission("""{"workers": 1, "item_list": {"items": [1, {"a": "<b>"}, [ 2, 3 ], "x y", null], "batch_size": 2}}""");
        Assert.Equal(5, await new SubmittedItems(_blobs, new BatchLimits()).StoreAsync("69c1", submission, CancellationToken.None));

        var outcome = await EnqueueAsync(submission.Settings);

        Assert.Equal(new EnqueueOutcome(new EnqueueProgress(5, 3, Done: true), null), outcome);
        Assert.Equal(["""[1,{"a":"\u003cb\u003e"}]""", """[[2,3],"x y"]""", "[null]"], await _store.BodiesAsync());
        Assert.All(_store.Messages, message => Assert.Equal(Queue, message.Queue));
    }

    [Fact]
    public async Task EnqueueAsync_StreamedBody_IsKeptAndEnqueued()
    {
        var body = string.Concat(Enumerable.Range(0, 10_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"{{\"i\": {i}}}\r\n")));
        var items = new SubmittedItems(_blobs, new BatchLimits());
        Assert.Equal(10_000, await items.StoreAsync("69c1", new MemoryStream(Encoding.UTF8.GetBytes(body)), CancellationToken.None));

        var outcome = await EnqueueAsync(new BatchSettings { Workers = 1, Source = BatchSource.ItemList, BatchSize = 100 });

        Assert.Equal(new EnqueueProgress(10_000, 100, Done: true), outcome.Progress);
        Assert.Equal(Enumerable.Range(0, 10_000), (await _store.BodiesAsync()).SelectMany(Numbers));
    }

    [Fact]
    public async Task EnqueueAsync_SmallFileThatUnpacksToTooManyItems_FailsSoonAndSaysWhatToRaise()
    {
        var path = _folder.Write("bomb.json.gz", "");
        await using (var gzip = new GZipStream(File.Create(path), CompressionLevel.SmallestSize))
        {
            var ones = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("1\n", 50_000)));
            for (var i = 0; i < 100; i++)
            {
                gzip.Write(ones);
            }
        }

        Assert.True(new FileInfo(path).Length < 20_000);
        var outcome = await EnqueueAsync(Files(10_000, path), new BatchLimits { MaxItems = 100_000 });

        Assert.Equal("batchapi.too_many_items", outcome.Failure!.Kind);
        Assert.Equal("the job has more than 100000 items; split it into several, or raise jobs.max_items in the cluster configuration", outcome.Failure.Message);
        Assert.False(outcome.Progress.Done);
        Assert.InRange((await _store.BodiesAsync()).Count, 0, 10);
    }

    [Fact]
    public async Task EnqueueAsync_AsManyItemsAsAllowed_AreTaken()
    {
        var path = _folder.Write("a.json", "1 2 3");

        Assert.Null((await EnqueueAsync(Files(2, path), new BatchLimits { MaxItems = 3 })).Failure);
    }

    [Theory]
    [InlineData(3, null)]
    [InlineData(2, "batchapi.too_many_items")]
    public async Task EnqueueAsync_NamesOfFiles_AreItemsToo(int most, string? kind)
    {
        foreach (var name in new[] { "a", "b", "c" })
        {
            _folder.Write("data/" + name, "");
        }

        var outcome = await EnqueueAsync(Files(1, _folder.Path + "/data/") with { Source = BatchSource.FilePathLister }, new BatchLimits { MaxItems = most });

        Assert.Equal(kind, outcome.Failure?.Kind);
    }

    [Theory]
    [InlineData(40_000, null)]
    [InlineData(39_999, "batchapi.source_size_exceeds_limit")]
    public async Task EnqueueAsync_FilesTogether_AreBounded(int most, string? kind)
    {
        _folder.Write("data/a.json", new string(' ', 19_999) + "1");
        await using (var gzip = new GZipStream(File.Create(_folder.Path + "/data/b.json.gz"), CompressionLevel.SmallestSize))
        {
            gzip.Write(Encoding.ASCII.GetBytes(new string(' ', 19_999) + "2"));
        }

        var outcome = await EnqueueAsync(Files(1, _folder.Path + "/data/"), new BatchLimits { MaxSourceBytes = most });

        Assert.Equal(kind, outcome.Failure?.Kind);
    }

    [Fact]
    public async Task StoreAsync_MoreItemsThanAllowed_AreRefusedAndNothingStored()
    {
        var items = new SubmittedItems(_blobs, new BatchLimits { MaxItems = 2 });

        var error = await Assert.ThrowsAsync<CortexException>(() => items.StoreAsync("69c1", new MemoryStream("1 2 3"u8.ToArray()), CancellationToken.None));

        Assert.Equal("batchapi.too_many_items", error.Kind);
        Assert.Empty(_blobs.Names);
    }

    [Theory]
    [InlineData("", "configreader.too_few_elements")]
    [InlineData("\n \n", "configreader.too_few_elements")]
    [InlineData("1\n2\n{\n", "error")]
    [InlineData("1 22222222222", "batchapi.item_size_exceeds_limit")]
    [InlineData("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20", "error")]
    public async Task StoreAsync_WrongBody_IsRefusedAndNothingStored(string body, string kind)
    {
        var items = new SubmittedItems(_blobs, new BatchLimits { MaxItemBytes = 10, MaxStreamedBodyBytes = 30 });

        var error = await Assert.ThrowsAsync<CortexException>(() => items.StoreAsync("69c1", new MemoryStream(Encoding.UTF8.GetBytes(body)), CancellationToken.None));

        Assert.Equal(kind, error.Kind);
        Assert.Empty(_blobs.Names);
        Assert.Equal(kind, (await Assert.ThrowsAsync<CortexException>(() => items.CheckAsync(new MemoryStream(Encoding.UTF8.GetBytes(body)), CancellationToken.None))).Kind);
    }

    [Fact]
    public async Task EnqueueAsync_DelimitedFiles_BatchesSpanFiles()
    {
        _folder.Write("a.json", "1 2\n3");
        _folder.Write("b.json", "");
        _folder.Write("c.json", "[4]{\"five\": 5}\n");

        var outcome = await EnqueueAsync(Delimited(2));

        Assert.Equal(new EnqueueProgress(5, 3, Done: true), outcome.Progress);
        Assert.Equal(["[1,2]", "[3,[4]]", """[{"five":5}]"""], await _store.BodiesAsync());
    }

    [Fact]
    public async Task EnqueueAsync_CompressedFile_IsUnpacked()
    {
        using (var file = new GZipStream(File.Create(_folder.Path + "/a.json.gz"), CompressionLevel.Fastest))
        {
            file.Write("1 2 3"u8);
        }

        await EnqueueAsync(Delimited(2));

        Assert.Equal(["[1,2]", "[3]"], await _store.BodiesAsync());
    }

    [Fact]
    public async Task EnqueueAsync_FilePathLister_NamesFilesOfAllPathsInOrder()
    {
        foreach (var name in new[] { "b/2.png", "b/1.png", "a/<&>.png", "b/x.txt" })
        {
            _folder.Write(name, "");
        }

        var settings = Delimited(2) with { Source = BatchSource.FilePathLister, Paths = [Url("b/"), Url("a/"), Url("b/1")], Includes = ["**.png"] };
        var outcome = await EnqueueAsync(settings);

        Assert.Equal(new EnqueueProgress(4, 2, Done: true), outcome.Progress);
        var bodies = await _store.BodiesAsync();
        Assert.Equal([Url("b/1.png"), Url("b/2.png"), Url("a/<&>.png"), Url("b/1.png")], bodies.SelectMany(body => JsonSerializer.Deserialize<string[]>(body)!));
        Assert.Contains(@"\u003c\u0026\u003e", bodies[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task EnqueueAsync_NoFileAnyMore_GivesNoBatches()
    {
        var outcome = await EnqueueAsync(Delimited(2));

        Assert.Equal(new EnqueueOutcome(new EnqueueProgress(0, 0, Done: true), null), outcome);
    }

    [Fact]
    public async Task EnqueueAsync_BrokenFile_FailsNamingFileAndItemAndKeepsWhatWasSent()
    {
        _folder.Write("a.json", "1 2 3 4 5 6 7");
        _folder.Write("b.json", "8 9 ten");

        var outcome = await EnqueueAsync(Delimited(1));

        Assert.Equal("error", outcome.Failure!.Kind);
        Assert.Contains($"item 2 of {Url("b.json")}, which begins at byte 4, is not valid JSON", outcome.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(_store.Messages.Count, outcome.Progress.Batches);
        Assert.False(outcome.Progress.Done);
    }

    [Fact]
    public async Task EnqueueAsync_BatchOverTheLimit_FailsNamingItsItems()
    {
        _folder.Write("a.json", "1 2 \"" + new string('x', 60) + "\" \"" + new string('y', 60) + "\"");

        var outcome = await EnqueueAsync(Delimited(2), new BatchLimits { MaxBatchBytes = 100 });

        Assert.Equal("batchapi.message_exceeds_max_size", outcome.Failure!.Kind);
        Assert.Contains("items 2 to 3", outcome.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EnqueueAsync_BatchAtTheLimit_IsSent()
    {
        _folder.Write("a.json", "\"" + new string('x', 96) + "\"");

        Assert.Null((await EnqueueAsync(Delimited(1), new BatchLimits { MaxBatchBytes = 100 })).Failure);
        Assert.Equal(100, _store.Messages[0].Payload.Length);
    }

    [Fact]
    public async Task EnqueueAsync_LargeBatches_GoToTheBlobStore()
    {
        _folder.Write("a.json", $"\"{new string('a', 2000)}\" 1 \"{new string('b', 3000)}\"");

        await EnqueueAsync(Delimited(1), options: Options with { InlineLimit = 1024 });

        Assert.Equal([true, false, true], _store.Messages.Select(message => message.Payload.Blob is not null));
        Assert.Equal([2004, 3, 3004], (await _store.BodiesAsync()).Select(body => body.Length));
    }

    [Fact]
    public async Task EnqueueAsync_ChunkBytesReached_WritesEarlier()
    {
        _folder.Write("a.json", string.Join(' ', Enumerable.Repeat($"\"{new string('a', 96)}\"", 20)));

        await EnqueueAsync(Delimited(1), options: Options with { ChunkBatches = 100, ChunkBytes = 500 });

        Assert.Equal([5, 5, 5, 5], _store.ChunkSizes);
    }

    /// <summary>Kills the process, so to say, before and after every write, and goes on with a new enqueuer.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(5, 2)]
    [InlineData(100, 3)]
    public async Task EnqueueAsync_KilledAtEveryWrite_NeitherDoublesNorLosesABatch(int batchSize, int chunkBatches)
    {
        WriteNumbers("a.json", 0, 10);
        WriteNumbers("b.json.gz", 10, 11, compressed: true);
        WriteNumbers("c/d.json", 11, 25);
        var options = Options with { ChunkBatches = chunkBatches };
        await EnqueueAsync(Delimited(batchSize), options: options);
        var whole = await _store.BodiesAsync();
        Assert.Equal(Enumerable.Range(0, 25), whole.SelectMany(Numbers));

        for (var write = 0; write < _store.ChunkSizes.Count; write++)
        {
            foreach (var stored in new[] { false, true })
            {
                var store = new CrashingStore(_blobs);
                var kill = new OperationCanceledException("killed");
                store.Failures[write] = stored ? (null, kill) : (kill, null);

                await Assert.ThrowsAsync<OperationCanceledException>(() => EnqueueAsync(Delimited(batchSize), options: options, store: store));
                var outcome = await EnqueueAsync(Delimited(batchSize), options: options, store: store);

                Assert.Equal(whole, await store.BodiesAsync());
                Assert.Equal(new EnqueueProgress(25, whole.Count, Done: true), outcome.Progress);
            }
        }
    }

    [Fact]
    public async Task EnqueueAsync_KilledAtEveryWriteOfFilePaths_NeitherDoublesNorLosesABatch()
    {
        for (var i = 0; i < 20; i++)
        {
            _folder.Write($"{i}.png", "");
        }

        var settings = Delimited(3) with { Source = BatchSource.FilePathLister, Paths = [Url(""), Url("1")] };
        var options = Options with { ChunkBatches = 2 };
        await EnqueueAsync(settings, options: options);
        var whole = await _store.BodiesAsync();
        Assert.Equal(31, whole.Sum(body => JsonSerializer.Deserialize<string[]>(body)!.Length));

        for (var write = 0; write < _store.ChunkSizes.Count; write++)
        {
            var store = new CrashingStore(_blobs);
            store.Failures[write] = (null, new OperationCanceledException("killed"));
            await Assert.ThrowsAsync<OperationCanceledException>(() => EnqueueAsync(settings, options: options, store: store));
            await EnqueueAsync(settings, options: options, store: store);

            Assert.Equal(whole, await store.BodiesAsync());
        }
    }

    [Fact]
    public async Task EnqueueAsync_StoreBusyFullOrAway_IsTriedAgainWithoutDoubling()
    {
        WriteNumbers("a.json", 0, 20);
        _store.Failures[0] = (new StoreBusyException("busy"), null);
        _store.Failures[2] = (new StoreFullException("full"), null);
        _store.Failures[4] = (null, new StoreUnavailableException("away after it stored"));
        _store.Failures[5] = (new StoreUnavailableException("away before it stored"), null);

        var outcome = await EnqueueAsync(Delimited(1));

        Assert.Null(outcome.Failure);
        Assert.Equal(Enumerable.Range(0, 20), (await _store.BodiesAsync()).SelectMany(Numbers));
    }

    [Fact]
    public async Task EnqueueAsync_StoreFullForTooLong_Fails()
    {
        WriteNumbers("a.json", 0, 5);
        for (var write = 0; write < 10_000; write++)
        {
            _store.Failures[write] = (new StoreFullException("the disk is full"), null);
        }

        var outcome = await EnqueueAsync(Delimited(1), options: Options with { StorePatience = TimeSpan.FromMilliseconds(20) });

        Assert.Contains("the disk is full", outcome.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EnqueueAsync_FileChangedBetweenKillAndRestart_Fails()
    {
        WriteNumbers("a.json", 0, 20);
        _store.Failures[1] = (null, new OperationCanceledException("killed"));
        await Assert.ThrowsAsync<OperationCanceledException>(() => EnqueueAsync(Delimited(1)));
        _folder.Write("a.json", "1 2 3 4 5 6 7 8 9 10 11 12 13");

        var outcome = await EnqueueAsync(Delimited(1));

        Assert.Equal("batchapi.source_changed", outcome.Failure!.Kind);
    }

    [Fact]
    public async Task EnqueueAsync_Cancelled_Ends()
    {
        WriteNumbers("a.json", 0, 100);
        using var stop = new CancellationTokenSource();
        _store.OnWrite = write =>
        {
            if (write == 3)
            {
                stop.Cancel();
            }
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => EnqueueAsync(Delimited(1), cancellationToken: stop.Token));

        Assert.Equal(12, _store.Messages.Count);
    }

    [Fact]
    public async Task EnqueueAsync_Progress_OnlyRisesAndEndsWithAll()
    {
        WriteNumbers("a.json", 0, 20);
        var seen = new List<EnqueueProgress>();

        await new Enqueuer(_store, _storages, new BatchLimits(), Options, TimeProvider.System).EnqueueAsync("69c1", Queue, Delimited(1), seen.Add, CancellationToken.None);

        Assert.Equal(seen.OrderBy(progress => progress.Items), seen);
        Assert.Equal(new EnqueueProgress(20, 20, Done: true), seen[^1]);
    }

    [Fact]
    public async Task EnqueueAsync_IntoSqliteAndStoppedMidway_GoesOnAfterReopening()
    {
        WriteNumbers("a.json", 0, 5000);
        using var data = new TempFolder();
        for (var round = 0; ; round++)
        {
            await using var store = await SqliteQueueStore.OpenAsync(data.Path + "/queues.db", new QueueStoreOptions(), new MemoryBlobStore(TimeProvider.System), TimeProvider.System, NullLogger.Instance);
            await store.ConfigureAsync(Queue, new QueueSettings(TimeSpan.FromHours(1)), CancellationToken.None);
            if (!await EnqueueSomeAsync(store, batches: 500))
            {
                continue;
            }

            Assert.InRange(round, 1, 10);
            Assert.Equal(1667, (await store.CountAsync(Queue, CancellationToken.None)).Waiting);
            var numbers = new List<int>();
            while (await store.LeaseAsync(Queue, TimeSpan.FromMinutes(1), TimeSpan.Zero, CancellationToken.None) is { } message)
            {
                numbers.AddRange(Numbers(Encoding.UTF8.GetString(message.Payload.Inline.Span)));
            }

            Assert.Equal(Enumerable.Range(0, 5000), numbers);
            return;
        }
    }

    // False when it was stopped after about so many batches.
    private async Task<bool> EnqueueSomeAsync(IQueueStore store, int batches)
    {
        using var stop = new CancellationTokenSource();
        var first = -1L;
        try
        {
            var outcome = await new Enqueuer(store, _storages, new BatchLimits(), Options with { ChunkBatches = 100 }, TimeProvider.System).EnqueueAsync("69c1", Queue, Delimited(3), progress =>
            {
                first = first < 0 ? progress.Batches : first;
                if (progress.Batches >= first + batches && !progress.Done)
                {
                    stop.Cancel();
                }
            }, stop.Token);
            Assert.Equal(new EnqueueOutcome(new EnqueueProgress(5000, 1667, Done: true), null), outcome);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static int[] Numbers(string body)
    {
        using var json = JsonDocument.Parse(body);
        return [.. json.RootElement.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Object ? item.GetProperty("i").GetInt32() : item.GetInt32())];
    }

    private void WriteNumbers(string name, int from, int to, bool compressed = false)
    {
        var path = _folder.Write(name, "");
        using Stream file = compressed ? new GZipStream(File.Create(path), CompressionLevel.Fastest) : File.Create(path);
        file.Write(Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(from, to - from))));
    }

    private string Url(string name) => $"file://{_folder.Path}/{name}";

    private static BatchSettings Files(int batchSize, string path) => new() { Workers = 1, Source = BatchSource.DelimitedFiles, BatchSize = batchSize, Paths = ["file://" + path] };

    private BatchSettings Delimited(int batchSize) => new() { Workers = 1, Source = BatchSource.DelimitedFiles, BatchSize = batchSize, Paths = [Url("")] };

    private BatchSubmission Submission(string body) => new BatchSubmissionReader(new BatchLimits(), _storages).Read(Encoding.UTF8.GetBytes(body));

    private Task<EnqueueOutcome> EnqueueAsync(BatchSettings settings, BatchLimits? limits = null, EnqueueOptions? options = null, IQueueStore? store = null, CancellationToken cancellationToken = default) =>
        new Enqueuer(store ?? _store, _storages, limits ?? new BatchLimits(), options ?? Options, TimeProvider.System).EnqueueAsync("69c1", Queue, settings, null, cancellationToken);
}
