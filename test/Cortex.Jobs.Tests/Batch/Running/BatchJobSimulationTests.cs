using Cortex.Jobs.Batch.Enqueuing;
using Cortex.Jobs.Batch.Running;
using Cortex.Runtimes;
using FsCheck;
using FsCheck.Fluent;

namespace Cortex.Jobs.Tests.Batch.Running;

/// <summary>Runs the rule against worlds in which anything may happen.</summary>
public sealed class BatchJobSimulationTests
{
    [Fact]
    public void Next_AnyWorld_EndsTruthfully() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed => new World(new System.Random(seed)).Run()).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));

    private sealed class World
    {
        private readonly System.Random _random;
        private readonly BatchBounds _bounds = new() { MaxDeathsInARow = 3, ImageTimeout = TimeSpan.FromSeconds(200), RoomTimeout = TimeSpan.FromSeconds(300) };
        private readonly int _total;
        private readonly bool _batchesFail;
        private readonly int _deathsPerHundred;
        private readonly bool _noRoom;
        private readonly WorkerFacts[] _workers;
        private BatchFacts _facts;
        private DateTimeOffset _now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        private int _told;
        private int _answered;
        private bool _workersEver;

        public World(System.Random random)
        {
            _random = random;
            _total = random.Next(4) == 0 ? 0 : random.Next(1, 30);
            _batchesFail = random.Next(3) == 0;
            _deathsPerHundred = random.Next(3) switch { 0 => 0, 1 => 3, _ => 40 };
            _noRoom = random.Next(10) == 0;
            _workers = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => new WorkerFacts(null, false, false, ""))];
            _facts = new BatchFacts { Status = JobStatus.Pending, Workers = _workers, Deadline = random.Next(4) == 0 ? _now.AddSeconds(random.Next(1, 100)) : null };
        }

        public void Run()
        {
            for (var step = 0; step < 5000; step++)
            {
                _now = _now.AddSeconds(1);
                Happen();
                if (Decide())
                {
                    return;
                }
            }

            Assert.Fail($"the job never ended: {_facts}");
        }

        // True when the job is over.
        private bool Decide()
        {
            _facts = _facts with { Workers = [.. _workers] };
            var step = BatchJobRule.Next(_facts, _now, _bounds);
            Check(step);
            if (step.Status is not (JobStatus.Pending or JobStatus.Enqueuing or JobStatus.Running))
            {
                return true;
            }

            Assert.True(_facts.Status != JobStatus.Running || step.Status == JobStatus.Running, "a job that ran is not enqueued again");
            _facts = _facts with { Status = step.Status, Ending = step.Ending ?? _facts.Ending };
            foreach (var action in step.Actions)
            {
                Do(action);
            }

            // A kill -9 of the server: whoever was being told is not known to have answered, and enqueuing is not under way.
            if (_random.Next(50) == 0)
            {
                _facts = _facts with { IsEnqueuing = false, Completion = _facts.Completion == JobCompletion.Told ? JobCompletion.Told : JobCompletion.Untold };
            }

            return false;
        }

        private void Check(BatchStep step)
        {
            var finished = _facts.Succeeded + _facts.Failed;
            if (step.Ending is not null)
            {
                Assert.Empty(step.Actions);
                Assert.Null(_facts.Ending);
            }

            switch (step.Status)
            {
                case JobStatus.Succeeded:
                    Assert.True(_facts.Enqueued.Done && _facts.Succeeded == _total && _facts.Failed == 0 && _answered == 1, $"{_facts}");
                    break;
                case JobStatus.CompletedWithFailures:
                    Assert.True(_facts.Enqueued.Done && finished == _total && _facts.Failed > 0 && _answered == 1, $"{_facts}");
                    break;
                case JobStatus.EnqueueFailed:
                    Assert.False(_workersEver);
                    break;
                case JobStatus.TimedOut:
                    Assert.True(_facts.Deadline <= _now);
                    break;
                case JobStatus.Stopped or JobStatus.WorkerError or JobStatus.WorkerOom or JobStatus.UnexpectedError:
                    Assert.Equal(step.Status, _facts.Ending!.Status);
                    Assert.All(_workers, worker => Assert.Null(worker.State));
                    break;
            }

            foreach (var action in step.Actions)
            {
                if (action is BatchAction.TellComplete)
                {
                    Assert.True(_facts.Enqueued.Done && finished == _total && _answered == 0, "told too early or twice");
                }
                else if (action is BatchAction.CreateWorker)
                {
                    Assert.True(_facts.Enqueued.Done && _facts.Ending is null && _facts.Completion != JobCompletion.Told, "a worker is made that nobody needs");
                }
            }

            Assert.Equal(step.Actions.Count, step.Actions.Distinct().Count());
        }

        private void Do(BatchAction action)
        {
            switch (action)
            {
                case BatchAction.Enqueue:
                    _facts = _facts with { IsEnqueuing = true };
                    break;
                case BatchAction.StopEnqueuing:
                    _facts = _facts with { IsEnqueuing = false };
                    break;
                case BatchAction.CreateWorker(var place):
                    Assert.False(_workers[place].IsCreated);
                    Assert.Null(_workers[place].State);
                    _workersEver = true;
                    _workers[place] = new(PodState.Pending, true, true, "no room");
                    break;
                case BatchAction.BuryWorker(var place, var ofMemory, var reason):
                    Assert.True(_workers[place].IsCreated);
                    _workers[place] = _workers[place] with { IsCreated = false, State = _workers[place].State is null ? null : PodState.Terminating };
                    _facts = _facts with
                    {
                        DeathsInARow = _facts.DeathsInARow + 1,
                        DiedOfMemory = _facts.DiedOfMemory || ofMemory,
                        LastDeath = reason,
                        ReplaceAt = _now.AddSeconds(_facts.DeathsInARow),
                    };
                    break;
                case BatchAction.DeleteWorker(var place):
                    _workers[place] = _workers[place] with { State = PodState.Terminating, IsCreated = false };
                    break;
                case BatchAction.TellComplete(var place):
                    Assert.Equal(PodState.Ready, _workers[place].State);
                    _told = place;
                    _facts = _facts with { Completion = JobCompletion.Telling };
                    break;
            }
        }

        private void Happen()
        {
            Enqueue();
            for (var place = 0; place < _workers.Length; place++)
            {
                _workers[place] = Live(place, _workers[place]);
            }

            var idle = _facts.Enqueued.Done && !_workers.Any(worker => worker.State is PodState.Ready or PodState.NotReady);
            _facts = _facts with { IdleSince = idle ? _facts.IdleSince ?? _now : null };
            if (_random.Next(300) == 0 && _facts.Ending is null)
            {
                _facts = _facts with { Ending = new(JobStatus.Stopped, "") };
            }
        }

        private void Enqueue()
        {
            if (!_facts.IsEnqueuing || _facts.Enqueued.Done || _facts.EnqueueFailure is not null)
            {
                return;
            }

            var batches = Math.Min(_total, _facts.Enqueued.Batches + _random.Next(0, 10));
            var fails = _random.Next(40) == 0;
            var done = !fails && batches == _total;
            _facts = _facts with { Enqueued = new(batches, batches, done), EnqueueFailure = fails ? new("error", "broken") : null, IsEnqueuing = !done && !fails };
        }

        private WorkerFacts Live(int place, WorkerFacts worker)
        {
            if (worker.State is null)
            {
                return worker;
            }

            if (worker.State == PodState.Terminating)
            {
                return _random.Next(3) == 0 ? worker with { State = null } : worker;
            }

            if (worker.IsCreated && worker.State is PodState.NotReady or PodState.Ready && _random.Next(100) < _deathsPerHundred)
            {
                if (_facts.Completion == JobCompletion.Telling && _told == place)
                {
                    _facts = _facts with { Completion = JobCompletion.Untold };
                }

                PodState?[] ends = [PodState.Failed, PodState.Killed, PodState.KilledOOM, PodState.Succeeded, null];
                return worker with { State = ends[_random.Next(ends.Length)], Reason = "dead" };
            }

            switch (worker.State)
            {
                case PodState.Pending when !_noRoom && _random.Next(3) == 0:
                    return worker with { State = _random.Next(5) == 0 ? PodState.ErrImagePull : PodState.Creating, Reason = "" };
                case PodState.ErrImagePull when _random.Next(3) == 0:
                    return worker with { State = PodState.Creating };
                case PodState.Creating:
                    return worker with { State = PodState.NotReady };
                case PodState.NotReady when _random.Next(2) == 0:
                    return worker with { State = PodState.Ready };
                case PodState.Ready:
                    Answer(place);
                    return worker;
                default:
                    return worker;
            }
        }

        private void Answer(int place)
        {
            if (_facts.Completion == JobCompletion.Telling && _told == place && _random.Next(2) == 0)
            {
                _answered++;
                _facts = _facts with { Completion = JobCompletion.Told };
            }
            else if (_facts.Ending is null && _facts.Succeeded + _facts.Failed < _facts.Enqueued.Batches && _facts.Enqueued.Done && _random.Next(2) == 0)
            {
                var fails = _batchesFail && _random.Next(3) == 0;
                _facts = _facts with
                {
                    Succeeded = _facts.Succeeded + (fails ? 0 : 1), Failed = _facts.Failed + (fails ? 1 : 0), DeathsInARow = 0, DiedOfMemory = false,
                };
            }
        }
    }
}
