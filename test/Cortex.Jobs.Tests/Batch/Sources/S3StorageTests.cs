using System.Globalization;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Cortex.Core.Errors;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Sources;
using Cortex.Jobs.Batch.Submissions;
using Cortex.Jobs.Tests.Batch.Enqueuing;
using Cortex.Queues.Blobs;
using Cortex.Queues.Tests.Blobs;
using Cortex.Queues.Tests.Support;

namespace Cortex.Jobs.Tests.Batch.Sources;

public sealed class S3StorageTests(S3Server server)
{
    [Fact]
    public async Task ListAsync_PrefixFiltersAndFolders_AreTheContracts()
    {
        var s3 = await StartAsync();
        foreach (var key in new[] { "img1.png", "images/x.png", "images/", "other.png", "images/y.txt", "images/sub/z.png" })
        {
            await s3.PutAsync(key, "x");
        }

        Assert.Equal(["images/sub/z.png", "images/x.png", "images/y.txt", "img1.png"], await s3.ListAsync(["im"]));
        Assert.Equal(["images/x.png", "img1.png"], await s3.ListAsync(["im"], includes: ["s3://*/*/*.png", "s3://*/*/*/x.png"]));
        Assert.Equal(["images/sub/z.png", "images/x.png", "img1.png", "images/x.png"], await s3.ListAsync(["im", "images/x"], excludes: ["**.txt"]));
        Assert.Empty(await s3.ListAsync(["nothing"]));
    }

    [Fact]
    public async Task ListAsync_AnyPlace_GivesTheRest()
    {
        var s3 = await StartAsync();
        string[] keys = ["a", "b/1", "b/2", "b0", "c"];
        foreach (var key in keys)
        {
            await s3.PutAsync(key, "1");
        }

        for (var i = 0; i < keys.Length; i++)
        {
            Assert.Equal(keys[(i + 1)..], await s3.ListAsync([""], after: keys[i]));
        }
    }

    // s3rver can't page on current versions of Node.
    [Fact]
    public async Task ListAsync_ManyPages_GivesAllInOrder()
    {
        var keys = Enumerable.Range(0, 25).Select(i => $"data/{i:d2}").ToList();
        await using var pages = new PagedS3(keys, pageSize: 4);
        using var storages = new SourceStorages(
            new SourceOptions { S3 = new() { Endpoint = pages.Url, PathStyle = true, AccessKey = "a", SecretKey = "b" }, Attempts = 1 }, TimeProvider.System);
        var lister = new FileLister(["s3://bucket/data/"], [], ["**7"], storages);

        foreach (var after in new[] { -1, 0, 3, 17, 24 })
        {
            var from = after < 0 ? SourcePosition.Start : new SourcePosition(0, $"s3://bucket/{keys[after]}", null, null, 0);
            var found = new List<string>();
            await foreach (var (_, file) in lister.ListAsync(from, CancellationToken.None))
            {
                found.Add(file.Path["s3://bucket/".Length..]);
            }

            Assert.Equal(keys.Skip(after + 1).Where(key => !key.EndsWith('7')), found);
        }
    }

    [Fact]
    public async Task CheckFilesAsync_NoBucketOrNoFile_SaysWhich()
    {
        var s3 = await StartAsync();
        using var storages = s3.Storages(s3.Options.Endpoint!);
        var reader = new BatchSubmissionReader(new BatchLimits(), storages);
        BatchSettings Settings(string path) => new() { Workers = 1, BatchSize = 1, Source = BatchSource.DelimitedFiles, Paths = [path] };

        var noBucket = await Assert.ThrowsAsync<CortexException>(() => reader.CheckFilesAsync(Settings("s3://no-such-bucket/x"), CancellationToken.None));
        var noFile = await Assert.ThrowsAsync<CortexException>(() => reader.CheckFilesAsync(Settings(s3.Url("nothing")), CancellationToken.None));

        Assert.Equal("aws.bucket_not_found", noBucket.Kind);
        Assert.Equal("batchapi.no_s3_files_found", noFile.Kind);
        await s3.PutAsync("something", "1");
        await reader.CheckFilesAsync(Settings(s3.Url("some")), CancellationToken.None);
    }

    [Fact]
    public async Task EnqueueAsync_ConnectionsThatBreakAllTheTime_LosesAndDoublesNothing()
    {
        var s3 = await StartAsync();
        var numbers = Enumerable.Range(0, 100_000).ToList();
        await s3.PutAsync("data/a.json", string.Join('\n', numbers.Take(60_000)));
        await s3.PutAsync("data/b.json", string.Join('\n', numbers.Skip(60_000)));
        await using var proxy = new CuttingProxy(s3.Options.Endpoint!.Port) { CutAfter = 100_000 };
        using var storages = s3.Storages(new Uri($"http://127.0.0.1:{proxy.Port}"));
        var store = new CrashingStore(new MemoryBlobStore(TimeProvider.System));

        var outcome = await new Enqueuer(store, storages, new BatchLimits(), new EnqueueOptions(), TimeProvider.System).EnqueueAsync(
            "69c1", "job/x/69c1", new BatchSettings { Workers = 1, BatchSize = 1000, Source = BatchSource.DelimitedFiles, Paths = [s3.Url("data/")] }, null, CancellationToken.None);

        Assert.Equal(new EnqueueOutcome(new EnqueueProgress(100_000, 100, Done: true), null), outcome);
        Assert.Equal($"[{string.Join("][", numbers.Chunk(1000).Select(chunk => string.Join(',', chunk)))}]", string.Concat(await store.BodiesAsync()));
        Assert.True(proxy.Cut >= 4, $"{proxy.Cut} connections were cut");
    }

    [Fact]
    public async Task ReadAsync_ObjectReplacedWhileReading_SaysSo()
    {
        var s3 = await StartAsync();
        await s3.PutAsync("a", new string('1', 50));
        using var storages = s3.Storages(s3.Options.Endpoint!);
        var file = (await storages.Of("s3://").FindAsync(s3.Url("a"), CancellationToken.None))!;
        await s3.PutAsync("a", new string('2', 50));
        await using var reader = new FileReader(file, 10, storages.Retry);

        var error = await Assert.ThrowsAsync<CortexException>(async () => await reader.ReadAsync(new byte[10], CancellationToken.None));

        Assert.Equal("batchapi.source_changed", error.Kind);
        Assert.Null(await storages.Of("s3://").FindAsync(s3.Url("missing"), CancellationToken.None));
    }

    [Fact]
    public async Task ListAsync_NobodyAnswers_GivesUpAfterTheAttempts()
    {
        using var storages = new SourceStorages(
            new SourceOptions { S3 = new() { Endpoint = $"http://127.0.0.1:{FreePort.Find()}", PathStyle = true, AccessKey = "a", SecretKey = "b" }, Attempts = 3, Backoff = TimeSpan.FromMilliseconds(1) },
            TimeProvider.System);
        var reader = new BatchSubmissionReader(new BatchLimits(), storages);

        var error = await Assert.ThrowsAsync<CortexException>(() => reader.CheckFilesAsync(
            new BatchSettings { Workers = 1, BatchSize = 1, Source = BatchSource.FilePathLister, Paths = ["s3://b/x"] }, CancellationToken.None));

        Assert.Contains("can't list s3://b/x, after 3 tries", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3://data/x", null, true)]
    [InlineData("s3://data/x", "data", true)]
    [InlineData("s3://data", "data", true)]
    [InlineData("s3://data2/x", "data", false)]
    [InlineData("s3://data/public/x", "data/public/", true)]
    [InlineData("s3://data/public/", "data/public/", true)]
    [InlineData("s3://data/public", "data/public/", false)]
    [InlineData("s3://data/", "data/public/", false)]
    [InlineData("s3://data/private/x", "data/public/", false)]
    public void Check_Bucket_MustBeAllowed(string path, string? allowed, bool passes)
    {
        using var storages = Storages(new() { AccessKey = "a", SecretKey = "b", Buckets = allowed is null ? [] : ["other", allowed] });

        var error = Record.Exception(() => storages.Of(path).Check(path)) as CortexException;

        Assert.Equal(passes ? null : "batchapi.path_not_allowed", error?.Kind);
    }

    [Theory]
    [InlineData("s3:///x")]
    [InlineData("s3://../x")]
    [InlineData("s3://a?b/x")]
    [InlineData("s3://arn:aws:s3:::x/y")]
    [InlineData("s3://data/public/../private/x")]
    [InlineData("s3://data/./x")]
    [InlineData("s3://data/public/..")]
    public void Check_PathThatLeadsElsewhere_IsRefused(string path)
    {
        using var storages = Storages(new() { AccessKey = "a", SecretKey = "b", Buckets = ["data/public/", "a"] });

        Assert.Equal("aws.invalid_s3_path", Assert.Throws<CortexException>(() => storages.Of(path).Check(path)).Kind);
    }

    [Fact]
    public void Check_NothingConfigured_IsRefusedWhateverTheEnvironmentHolds()
    {
        using var storages = Storages(new());

        var error = Assert.Throws<CortexException>(() => storages.Of("s3://b/x").Check("s3://b/x"));

        Assert.Equal(("batchapi.path_not_allowed", "s3://b/x: jobs may not read from s3://; the cluster's configuration can allow it in jobs.sources.s3"), (error.Kind, error.Message));
    }

    // The server's own keys are in its environment, and requests must not bear them: neither with an endpoint alone nor with another key.
    [Theory]
    [InlineData(false, null, "")]
    [InlineData(false, "JOBKEY", "JOBKEY")]
    [InlineData(true, null, "SERVERKEY")]
    public async Task ListAsync_Environment_IsUsedOnlyWhenConfigured(bool environment, string? key, string signedBy)
    {
        var old = (Environment.GetEnvironmentVariable("AWS_ACCESS_KEY_ID"), Environment.GetEnvironmentVariable("AWS_SECRET_ACCESS_KEY"));
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "SERVERKEY");
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", "server-secret");
        try
        {
            await using var pages = new PagedS3(["data/1"], pageSize: 4);
            using var storages = Storages(new() { Endpoint = pages.Url, PathStyle = true, Environment = environment, AccessKey = key, SecretKey = key });
            await foreach (var _ in new FileLister(["s3://bucket/data/"], [], [], storages).ListAsync(SourcePosition.Start, CancellationToken.None))
            {
            }

            Assert.Contains(signedBy, pages.Authorization, StringComparison.Ordinal);
            Assert.Equal(signedBy.Length == 0, pages.Authorization.Length == 0);
        }
        finally
        {
            Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", old.Item1);
            Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", old.Item2);
        }
    }

    private static SourceStorages Storages(S3SourceOptions s3) => new(new SourceOptions { S3 = s3, Attempts = 1 }, TimeProvider.System);

    private async Task<Bucket> StartAsync() => new(await server.OptionsAsync());

    private sealed class Bucket(S3BlobOptions options)
    {
        public S3BlobOptions Options => options;

        public string Url(string key) => $"s3://{options.Bucket}/{options.Prefix}{key}";

        public async Task PutAsync(string key, string text)
        {
            var config = new AmazonS3Config { ServiceURL = options.Endpoint!.ToString(), ForcePathStyle = true, AuthenticationRegion = "us-east-1", RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED };
            using var client = new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), config);
            await client.PutObjectAsync(new PutObjectRequest { BucketName = options.Bucket, Key = options.Prefix + key, UseChunkEncoding = false, InputStream = new MemoryStream(Encoding.UTF8.GetBytes(text)) });
        }

        public SourceStorages Storages(Uri endpoint) => new(
            new SourceOptions
            {
                S3 = new() { Endpoint = endpoint.ToString(), PathStyle = true, AccessKey = options.AccessKey, SecretKey = options.SecretKey },
                Backoff = TimeSpan.FromMilliseconds(5),
            },
            TimeProvider.System);

        public async Task<List<string>> ListAsync(string[] prefixes, string[]? includes = null, string[]? excludes = null, string? after = null)
        {
            using var storages = Storages(options.Endpoint!);
            var lister = new FileLister([.. prefixes.Select(Url)], includes ?? [], excludes ?? [], storages);
            var from = after is null ? SourcePosition.Start : new SourcePosition(0, Url(after), null, null, 0);
            var names = new List<string>();
            await foreach (var (_, file) in lister.ListAsync(from, CancellationToken.None))
            {
                names.Add(file.Path[Url("").Length..]);
            }

            return names;
        }
    }
}
