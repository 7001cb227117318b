"""The measurements of run.sh. Everything it starts it stops; every phase is bounded in time."""
import concurrent.futures
import gc
import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from datetime import datetime

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(HERE))
import harness
from harness import QUICK, WORK, cleanups, free_port, listens, row, start, wait_for, wanted

ROUNDS = 7 if QUICK else 15
JOBS, PARALLEL, BURSTS = 100, 8, 1 if QUICK else 3
BATCHES = 20_000 if QUICK else 100_000
ITEMS = 100_000 if QUICK else 1_000_000
ITEM_BYTES = 200
PEER_ITEMS = 500 if QUICK else 5_000
LIMIT = 300  # seconds for one job


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=LIMIT).stdout.strip()


def seconds_of(text):
    """A time of Docker or of the operator, which have nanoseconds, or not."""
    text = text.rstrip("Z")
    whole, _, fraction = text.partition(".")
    return datetime.fromisoformat(whole + "+00:00").timestamp() + float(f"0.{fraction or 0}")


class Cluster(harness.Cluster):
    def deploy(self, text):
        path = os.path.join(self.folder, "api.yaml")
        with open(path, "w") as file:
            file.write(text)
        self.cortex("deploy", path)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.operator, timeout=LIMIT)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise SystemExit(f"{method} {path}: {answer.status} {text.decode()}")
            return json.loads(text)
        finally:
            connection.close()

    def ended(self, path, job, status="succeeded"):
        """The job, as soon as it has ended."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            answer = self.ask("GET", f"{path}?jobID={job}&wait=60s")
            if answer["job_status"].get("end_time"):
                if answer["job_status"]["status"] != status:
                    raise SystemExit(f"job {job} has ended as {answer['job_status']}")
                return answer
        raise SystemExit(f"job {job} has not ended within {LIMIT} s")

    def containers(self):
        return len(docker("ps", "--all", "--quiet", "--filter", f"label=dev.cortex.cluster={self.name}", "--filter", f"name=cortex-{self.name}.bench").split())


def ratio_row(what, bare, ours, mark):
    """Pairs of one round each."""
    ratio = statistics.median(our / other for other, our in zip(bare, ours))
    measured = f"{statistics.median(ours) * 1000:,.0f} / {statistics.median(bare) * 1000:,.0f} ms = {ratio:.2f}"
    row(what, measured, f"<= {mark}", ratio <= mark)


def task():
    cluster = Cluster("task", f"jobs: {{parallel_starts: {PARALLEL}, history: 1000}}")
    cluster.deploy("""- name: bench
  kind: TaskAPI
  pod:
    containers:
      - {name: main, image: cortex-bench/job, command: [/bin/busybox, "true"], compute: {cpu: 20m}}
""")
    path = "/tasks/bench"
    bare, ours = [], []
    for _ in range(ROUNDS):
        began = time.time()
        container = docker("run", "--detach", "cortex-bench/job")
        bare.append(seconds_of(docker("inspect", "--format", "{{.State.StartedAt}}", container)) - began)
        docker("wait", container)
        docker("rm", container)
        began = time.time()
        job = cluster.ask("POST", path, "{}")["job_id"]
        ours.append(seconds_of(cluster.ended(path, job)["job_status"]["process_start_time"]) - began)
        time.sleep(1.5)  # its containers are being removed, and a spare network made
    ratio_row(f"from a task job's POST / `docker run` to the process, medians of {ROUNDS}", bare, ours, 1.3)

    bare, ours = [], []
    for _ in range(BURSTS):
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            began = time.time()
            list(pool.map(lambda _: docker("run", "--rm", "cortex-bench/job"), range(JOBS)))
            bare.append(time.time() - began)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            began = time.time()
            jobs = list(pool.map(lambda _: cluster.ask("POST", path, "{}")["job_id"], range(JOBS)))
            for job in jobs:
                cluster.ended(path, job)
            ours.append(time.time() - began)
        wait_for(lambda: cluster.containers() == 0, "the jobs' containers are gone", 120)
    ratio_row(f"{JOBS} at once, {PARALLEL} at a time, to the end of the last, medians of {BURSTS}", bare, ours, 1.3)
    cluster.down()
    cleanups.remove(cluster.down)


BATCH_API = """- name: {name}
  kind: BatchAPI
  pod:
    port: 8080
    containers:
      - {{name: noop, image: cortex-bench/noop, command: [{nginx}, -c, {conf}], compute: {{cpu: 50m, mem: 64Mi}}}}
"""


def batch_job(cluster, name, count):
    """Submits a job of so many batches of one number each over 4 workers; returns its id."""
    body = "".join(f"{i}\n" for i in range(count))
    return cluster.ask("POST", f"/batch/{name}?workers=4&batch_size=1", body, {"Content-Type": "application/x-ndjson"})["job_id"]


def batch():
    cluster = Cluster("batch")
    cluster.deploy(BATCH_API.format(name="noop", nginx=os.environ["NGINX"], conf="/nginx.conf") + BATCH_API.format(name="log", nginx=os.environ["NGINX"], conf="/logging.conf"))
    cluster.ended("/batch/noop", batch_job(cluster, "noop", 2000))

    began = time.time()
    job = batch_job(cluster, "noop", BATCHES)
    answer = cluster.ended("/batch/noop", job)
    whole = time.time() - began
    if answer["metrics"]["succeeded"] != BATCHES or answer["metrics"]["failed"] != 0:
        raise SystemExit(f"of {BATCHES} batches: {answer['metrics']}")
    rate = BATCHES / whole
    row(f"{BATCHES:,} batches of one no-op item, 4 workers, submission to end: per second", f"{rate:,.0f}", ">= 3,000", rate >= 3_000)
    row("server resident after it", f"{cluster.rss_mb:,.0f} MB")

    # The last batch's answer, by the worker's own log; what follows it is /on-job-complete and the end of the job.
    delays = []
    for _ in range(3 if QUICK else 10):
        job = batch_job(cluster, "log", 200)
        cluster.ended("/batch/log", job)
        seen = time.time()
        lines = []

        def logged():
            lines[:] = [line.split() for line in cluster.cortex("logs", "log", job, "--no-follow").splitlines() if line.count(" ") >= 1 and "/" in line]
            return sum(line[-1] == "/" for line in lines) >= 200

        wait_for(logged, "the worker's log is there", 30)
        delays.append(seen - max(float(line[-2]) for line in lines if line[-1] == "/"))
    row(f"from the last batch's answer to the end in the client's hands, {len(delays)} jobs: median / longest",
        f"{statistics.median(delays) * 1000:,.0f} / {max(delays) * 1000:,.0f} ms", "< 500 ms", max(delays) < 0.5)
    cluster.down()
    cleanups.remove(cluster.down)
    return rate


def enqueue():
    path = os.path.join(WORK, "items.jsonl")
    with open(path, "w") as file:
        for i in range(ITEMS):
            item = f'{{"id": {i}, "text": "some words of <input> & more", "values": [0.25, 17, -3.5e-2], "pad": "'
            file.write(item + "x" * (ITEM_BYTES - len(item) - 3) + '"}\n')
    cluster = Cluster("enqueue", f"jobs: {{sources: {{file_folders: [{WORK}]}}}}")
    cluster.deploy(BATCH_API.format(name="noop", nginx=os.environ["NGINX"], conf="/nginx.conf"))
    highest, stopped = 0, threading.Event()

    def watch():
        nonlocal highest
        while not stopped.wait(0.05):
            highest = max(highest, cluster.rss_mb)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        began = time.monotonic()
        job = cluster.ask("POST", "/batch/noop", json.dumps({"workers": 1, "delimited_files": {"s3_paths": [f"file://{path}"], "batch_size": 1}}))["job_id"]
        status = {}

        def enqueued():
            status.update(cluster.ask("GET", f"/batch/noop?jobID={job}")["job_status"])
            return status["status"] not in ("pending", "enqueuing")

        wait_for(enqueued, "all items are in the queue", LIMIT)
        elapsed = time.monotonic() - began
    finally:
        stopped.set()
        watching.join()
    if status["status"] != "running" or status["total_batch_count"] != ITEMS:
        raise SystemExit(f"after enqueuing: {status}")
    cluster.ask("DELETE", f"/batch/noop?jobID={job}")
    row(f"{ITEMS:,} items, {os.path.getsize(path) / 1e6:,.0f} MB of lines, each a batch: enqueued in", f"{elapsed:.1f} s", "< 30 s", elapsed < 30)
    row("server resident meanwhile, highest", f"{highest:,.0f} MB", "< 300 MB", highest < 300)
    cluster.down()
    cleanups.remove(cluster.down)


def peers(rate):
    """The same work: every item is POSTed to the container that does nothing, four at a time."""
    container = docker("run", "--detach", "cortex-bench/noop")
    cleanups.append(lambda: docker("rm", "--force", container))
    noop = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", container) + ":8080"
    wait_for(lambda: listens(8080, noop.split(":")[0]), "the worker listens")

    def result(name, elapsed):
        peer = PEER_ITEMS / elapsed
        row(f"{name}, {PEER_ITEMS:,} items: per second" + ("; ours is" if rate else ""), f"{peer:,.0f}" + (f"; {rate / peer:.1f} times" if rate else ""), "> 1", rate > peer if rate else None)

    began = time.monotonic()
    subprocess.run(
        ["parallel", "--will-cite", "--jobs", "4", "--halt", "now,fail=1", f"curl --silent --fail --output /dev/null --header Content-Type:application/json --data [{{}}] http://{noop}/"],
        input="".join(f"{i}\n" for i in range(PEER_ITEMS)), text=True, check=True, timeout=LIMIT)
    result("GNU parallel, a curl for each", time.monotonic() - began)

    result("a Celery 5.2 group, Redis syncing every write, 4 processes", celery_seconds(noop))
    gc.collect()  # its results ask Redis when they go


def celery_seconds(noop):
    redis_port = str(free_port())
    os.environ.update(REDIS_PORT=redis_port, NOOP=noop)
    folder = os.path.join(WORK, "redis")
    os.makedirs(folder)
    start("redis-server", "--port", redis_port, "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--appendfsync", "always", "--save", "")
    wait_for(lambda: listens(int(redis_port)), "redis listens")
    start("/usr/bin/python3", "-m", "celery", "-A", "celery_app", "worker", "--concurrency", "4", "--loglevel", "ERROR", cwd=HERE)
    sys.path.insert(0, HERE)
    from celery import group
    from celery_app import noop as work
    group(work.s(i) for i in range(100))().get(timeout=60)
    began = time.monotonic()
    group(work.s(i) for i in range(PEER_ITEMS))().get(timeout=LIMIT)
    return time.monotonic() - began


def main():
    rate = None
    if wanted("task"):
        task()
    if wanted("batch"):
        rate = batch()
    if wanted("peers"):
        peers(rate)
    if wanted("enqueue"):
        enqueue()


harness.run(main, "Jobs", "jobs.md", "`bench/jobs/run.sh`. Everything on the same processors: client, server, workers and peers. Compared runs take turns, and a ratio is the median of the rounds' ratios.")
