namespace Cortex.Gateway.Counting;

/// <summary>One API's counters. Recording is a handful of interlocked additions and allocates nothing.</summary>
internal sealed class ApiMetrics
{
    /// <summary>Upper bounds of the latency buckets, in seconds; the last bucket has none.</summary>
    public static readonly double[] BucketBounds =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

    private readonly long[] _answers = new long[6];
    private readonly long[] _buckets = new long[BucketBounds.Length + 1];
    private readonly long[] _rejections = new long[Enum.GetValues<RejectReason>().Length];
    private long _microseconds;

    /// <summary>Counts a request that is over.</summary>
    /// <param name="status">The status code that the client got; 0 when it left or its answer broke off.</param>
    /// <param name="elapsed">From its arrival to the end of its answer.</param>
    public void Record(int status, TimeSpan elapsed)
    {
        Interlocked.Increment(ref _answers[status is >= 100 and < 600 ? status / 100 : 0]);
        Interlocked.Increment(ref _buckets[Bucket(elapsed.TotalSeconds)]);
        Interlocked.Add(ref _microseconds, (long)elapsed.TotalMicroseconds);
    }

    /// <summary>Counts a request that the gateway turned away; <see cref="Record"/> counts it too.</summary>
    public void RecordRejection(RejectReason reason) => Interlocked.Increment(ref _rejections[(int)reason]);

    /// <summary>Requests answered with a class of status codes.</summary>
    /// <param name="statusClass">1 to 5; 0 for the answers that broke off.</param>
    public long Answers(int statusClass) => Interlocked.Read(ref _answers[statusClass]);

    /// <summary>Requests turned away.</summary>
    public long Rejections(RejectReason reason) => Interlocked.Read(ref _rejections[(int)reason]);

    /// <summary>Requests in each latency bucket, those of smaller buckets not included.</summary>
    public long[] Buckets() => [.. Enumerable.Range(0, _buckets.Length).Select(i => Interlocked.Read(ref _buckets[i]))];

    /// <summary>The sum of all requests' durations, in seconds.</summary>
    public double Seconds => Interlocked.Read(ref _microseconds) / 1e6;

    private static int Bucket(double seconds)
    {
        var index = 0;
        while (index < BucketBounds.Length && seconds > BucketBounds[index])
        {
            index++;
        }

        return index;
    }
}
