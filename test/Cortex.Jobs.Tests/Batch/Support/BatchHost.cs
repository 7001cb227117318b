using System.Text;
using Cortex.Dispatch;
using Cortex.Core.Clusters;
using Cortex.Core.Identifiers;
using Cortex.Core.Specs;
using Cortex.Core.Wire;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Running;
using Cortex.Jobs.Batch.Sources;
using Cortex.Jobs.Storing;
using Cortex.Jobs.Tasks;
using Cortex.Jobs.Tests.Support;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Cortex.Queues.Sqlite;
using Cortex.Runtimes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cortex.Jobs.Tests.Batch.Support;

/// <summary>A controller over real stores, made-up pods and real HTTP workers, that can be killed and started again.</summary>
internal sealed class BatchHost : IAsyncDisposable
{
    private readonly FolderBlobStore _blobs;
    private SqliteQueueStore? _queues;
    private IContainerRuntime? _runtime;
    private CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public BatchHost()
    {
        Folder = Directory.CreateTempSubdirectory("cortex-batch-").FullName;
        Directory.CreateDirectory(Files);
        _blobs = new FolderBlobStore(Path.Combine(Folder, "blobs"));
    }

    public string Folder { get; }

    /// <summary>A folder that jobs may read from.</summary>
    public string Files => Path.Combine(Folder, "files");

    public WorkerMachine Machine { get; } = new();

    public Dictionary<string, DeployedSpec> Deployed { get; } = new(StringComparer.Ordinal) { ["score"] = Api() };

    public BatchBounds Bounds { get; set; } = new();

    public JobSettings Limits { get; set; } = new() { TerminationGrace = TimeSpan.Zero };

    public EnqueueOptions Enqueue { get; set; } = new();

    /// <summary>What the loop calls fails as these say.</summary>
    public Faults Faults { get; } = new();

    /// <summary>Gets the log; null for one that fails with the rest.</summary>
    public ILoggerFactory? Loggers { get; set; }

    /// <summary>Set up before each start.</summary>
    public Action<KillableStore> OnStart { get; set; } = _ => { };

    public KillableStore Queues { get; private set; } = null!;

    public IJobStore Store { get; private set; } = null!;

    public BatchController Jobs { get; private set; } = null!;

    public static DeployedSpec Api(JobsSpec? jobs = null) => Some.Api("score") with { Kind = ApiKind.BatchAPI, Jobs = jobs ?? new JobsSpec() };

    public async Task StartAsync()
    {
        _stop = new CancellationTokenSource();
        _runtime = Machine.Connect();
        _queues = await SqliteQueueStore.OpenAsync(Path.Combine(Folder, "queues.db"), new QueueStoreOptions(), _blobs, TimeProvider.System, NullLogger.Instance);
        Queues = new KillableStore(_queues);
        OnStart(Queues);
        Store = Waiting.Open(Folder, TimeProvider.System, Limits.History);
        Jobs = new BatchController(
            Faults.On(Store), Store.Unfinished(ApiKind.BatchAPI), Queues, Faults.On<IContainerRuntime>(_runtime), Options(), new JobHost(Deployed.GetValueOrDefault, MakePod), new TimeIdGenerator(TimeProvider.System, Store.NewestId()),
            TimeProvider.System, Loggers ?? Faults.On<ILoggerFactory>(NullLoggerFactory.Instance));
        var (jobs, stop) = (Jobs, _stop.Token);
        _running = Task.Run(() => KeptAlive.RunAsync(jobs.RunAsync, stop), CancellationToken.None);
    }

    /// <summary>As kill -9: what was written is written, and the process learns of nothing more.</summary>
    public async Task KillAsync()
    {
        Queues.Kill();
        await _stop.CancelAsync();
        await CloseAsync();
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Jobs.DisposeAsync();
        await CloseAsync();
    }

    public async Task<JobRecord> SubmitAsync(string body, string api = "score") =>
        await Jobs.SubmitAsync(Deployed[api], await Jobs.Submissions.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(body)), CancellationToken.None), CancellationToken.None);

    public Task<JobRecord> SubmitItemsAsync(int items, int batchSize = 1, int workers = 1, string more = "") =>
        SubmitAsync($$"""{"workers": {{workers}}, {{more}} "item_list": {"items": [{{string.Join(",", Enumerable.Range(0, items))}}], "batch_size": {{batchSize}}} }""");

    public Task<JobView> StatusAsync(JobRecord job, JobStatus status) => Eventually.GetAsync(
        () =>
        {
            var now = Find(job);
            Assert.False(now?.Record.Status.IsFinal() == true && now.Record.Status != status, $"{status}, but {now}");
            return now?.Record.Status == status ? now : null;
        },
        () => $"{status}, but {Find(job)}");

    public Task<JobView> MessageAsync(JobRecord job, string part) => Eventually.GetAsync(
        () => Find(job) is { } now && now.Message.Contains(part, StringComparison.Ordinal) ? now : null,
        () => $"{part}, but {Find(job)}");

    public Task WorkersGoneAsync() => Eventually.TrueAsync(() => _runtime!.List().Count == 0, "its workers are gone");

    /// <summary>That nothing is left of a job but its history.</summary>
    public async Task NothingLeftAsync(JobRecord job)
    {
        await WorkersGoneAsync();
        await Eventually.TrueAsync(async () => (await _queues!.ListQueuesAsync("job/", CancellationToken.None)).Count == 0, "its queue is gone");
        await Eventually.TrueAsync(() => Directory.EnumerateFiles(Path.Combine(Folder, "blobs"), "*", SearchOption.AllDirectories).All(file => !file.Contains(job.Id, StringComparison.Ordinal)), "its items are gone");
    }

    // What the test asks for may be what is to fail.
    private JobView? Find(JobRecord job)
    {
        try
        {
            return Jobs.Find(job.ApiName, job.Id);
        }
        catch (IOException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Machine.Dispose();
        await StopAsync();
        await _blobs.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task CloseAsync()
    {
        await Store.DisposeAsync();
        await _queues!.DisposeAsync();
        await _runtime!.DisposeAsync();
    }

    private BatchOptions Options() => new()
    {
        Jobs = new JobOptions { Limits = Limits, LogFolder = Path.Combine(Folder, "logs"), RetryDelay = TimeSpan.FromMilliseconds(20), MaxRetryDelay = TimeSpan.FromMilliseconds(100), Resync = TimeSpan.FromSeconds(1) },
        Bounds = Bounds,
        Enqueue = Enqueue,
        Sources = new SourceOptions { Folders = [Files] },
        Dispatch = new DispatchOptions { StopTime = TimeSpan.Zero, SweepInterval = TimeSpan.FromMilliseconds(20) },
        RetryBackoff = TimeSpan.FromMilliseconds(10),
        RetryBackoffMax = TimeSpan.FromMilliseconds(20),
    };

    private static PodDefinition MakePod(DeployedSpec spec) => new()
    {
        Id = "unused",
        Labels = new Dictionary<string, string> { [PodLabels.ApiName] = spec.Name, [PodLabels.ApiKind] = spec.Kind.ToString(), [PodLabels.ApiId] = spec.Id },
        Containers = [new PodContainer { Name = "main", Image = "app", CpuMillis = 10 }],
        Port = 1,
    };
}
