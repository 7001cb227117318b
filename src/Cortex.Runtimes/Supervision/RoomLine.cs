namespace Cortex.Runtimes.Supervision;

/// <summary>The pods that wait for room, in fair order.</summary>
/// <remarks>
/// The API that holds the smallest share of the machine comes first; a share is counted by the resource that the API takes most of. Within
/// an API it is the job that holds the smallest share, within a job the oldest pod. So an API that waits for fifty
/// replicas keeps no other one, and no job, from its first.
/// </remarks>
/// <param name="machine">All the room there is.</param>
internal sealed class RoomLine(Room machine)
{
    private readonly Dictionary<string, Api> _apis = new(StringComparer.Ordinal);
    private int _places;

    /// <summary>Counts a pod that has room.</summary>
    public void Holds(RoomOwner owner, Room room)
    {
        var api = ApiOf(owner);
        api.Held += room;
        api.JobOf(owner).Held += room;
    }

    /// <summary>Adds a pod that waits; older ones are added first.</summary>
    public void Add(RoomRequest request) => ApiOf(request.Owner).JobOf(request.Owner).Waiting.Enqueue((request, _places++));

    /// <summary>Offers room to each pod in turn; what is given counts before the next one is chosen.</summary>
    /// <param name="place">Gives a pod room, or returns false.</param>
    public void Serve(Func<RoomRequest, bool> place)
    {
        var apis = new PriorityQueue<Api, (double Share, int Place)>();
        foreach (var api in _apis.Values)
        {
            foreach (var job in api.Jobs)
            {
                api.Queue(job, machine);
            }

            Queue(api);
        }

        while (apis.TryDequeue(out var api, out _))
        {
            var job = api.Line.Dequeue();
            var (request, _) = job.Waiting.Dequeue();
            if (place(request))
            {
                api.Held += request.Wants;
                job.Held += request.Wants;
            }

            api.Queue(job, machine);
            Queue(api);
        }

        void Queue(Api api)
        {
            if (api.Line.TryPeek(out _, out var first))
            {
                apis.Enqueue(api, (api.Held.ShareOf(machine), first.Place));
            }
        }
    }

    private Api ApiOf(RoomOwner owner)
    {
        if (!_apis.TryGetValue(owner.Api, out var api))
        {
            _apis.Add(owner.Api, api = new Api());
        }

        return api;
    }

    private sealed class Api
    {
        private readonly Dictionary<string, Job> _jobs = new(StringComparer.Ordinal);

        public Room Held { get; set; }

        public IEnumerable<Job> Jobs => _jobs.Values;

        /// <summary>Its jobs that wait, the next one first.</summary>
        public PriorityQueue<Job, (double Share, int Place)> Line { get; } = new();

        public Job JobOf(RoomOwner owner)
        {
            if (!_jobs.TryGetValue(owner.Job, out var job))
            {
                _jobs.Add(owner.Job, job = new Job());
            }

            return job;
        }

        public void Queue(Job job, Room machine)
        {
            if (job.Waiting.TryPeek(out var first))
            {
                Line.Enqueue(job, (job.Held.ShareOf(machine), first.Place));
            }
        }
    }

    private sealed class Job
    {
        public Room Held { get; set; }

        public Queue<(RoomRequest Request, int Place)> Waiting { get; } = new();
    }
}
