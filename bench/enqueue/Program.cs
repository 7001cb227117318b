// Enqueues a newline-delimited file into the SQLite store, as a batch job does:
//   enqueue-bench FOLDER [ITEMS=1000000] [BYTES_PER_ITEM=200] [BATCH_SIZE...=1 100]
// FOLDER must be on the disk to be measured. With ENQUEUE_RESUME=1 a killed run goes on where it was. Prints seconds, items per second and the process's largest memory for each batch size.
using System.Diagnostics;
using System.Globalization;
using Cortex.Jobs.Batch;
using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Sources;
using Cortex.Jobs.Batch.Submissions;
using Cortex.Queues;
using Cortex.Queues.Blobs;
using Cortex.Queues.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

var folder = Path.GetFullPath(args[0]);
var items = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1_000_000;
var bytes = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 200;
int[] batchSizes = args.Length > 3 ? [.. args.Skip(3).Select(text => int.Parse(text, CultureInfo.InvariantCulture))] : [1, 100];

Directory.CreateDirectory(folder);
var file = Path.Combine(folder, "items.jsonl");
var resume = Environment.GetEnvironmentVariable("ENQUEUE_RESUME") == "1";
if (!resume)
{
    await using var writer = new StreamWriter(file);
    for (var i = 0; i < items; i++)
    {
        var line = $$"""{"id": {{i}}, "text": "some words of <input> & more", "values": [0.25, 17, -3.5e-2], "pad": """;
        await writer.WriteAsync($"{line}\"{new string('x', Math.Max(0, bytes - line.Length - 4))}\"}}\n");
    }
}

Console.WriteLine($"{items} items, {new FileInfo(file).Length / 1e6:0} MB");
foreach (var batchSize in batchSizes)
{
    var data = Path.Combine(folder, $"batch-{batchSize}");
    if (Directory.Exists(data) && !resume)
    {
        Directory.Delete(data, recursive: true);
    }

    Directory.CreateDirectory(data);
    await using var blobs = new FolderBlobStore(Path.Combine(data, "blobs"));
    await using var store = await SqliteQueueStore.OpenAsync(Path.Combine(data, "queues.db"), new QueueStoreOptions(), blobs, TimeProvider.System, NullLogger.Instance);
    using var storages = new SourceStorages(new SourceOptions { Folders = [folder] }, TimeProvider.System);
    var queue = Enqueuer.QueueOf("bench", "1");
    await store.ConfigureAsync(queue, new QueueSettings(TimeSpan.FromHours(1)), CancellationToken.None);
    var enqueuer = new Enqueuer(store, storages, new BatchLimits(), new EnqueueOptions(), TimeProvider.System);
    var settings = new BatchSettings { Workers = 1, Source = BatchSource.DelimitedFiles, BatchSize = batchSize, Paths = ["file://" + file] };

    var clock = Stopwatch.StartNew();
    var cpu = Process.GetCurrentProcess().TotalProcessorTime;
    var outcome = await enqueuer.EnqueueAsync("1", queue, settings, null, CancellationToken.None);
    clock.Stop();
    using var process = Process.GetCurrentProcess();
    var waiting = (await store.CountAsync(queue, CancellationToken.None)).Waiting;
    Console.WriteLine(
        $"batch size {batchSize}: {outcome.Failure?.Message ?? "all"}, {outcome.Progress.Batches} batches ({waiting} in the queue) in {clock.Elapsed.TotalSeconds:0.00} s "
        + $"({outcome.Progress.Items / clock.Elapsed.TotalSeconds:0} items/s), CPU {(process.TotalProcessorTime - cpu).TotalSeconds:0.00} s, largest memory {process.PeakWorkingSet64 / 1e6:0} MB");
}
