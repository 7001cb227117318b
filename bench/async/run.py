"""The measurements of run.sh. Everything it starts it stops; every phase is bounded in time."""
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(HERE))
import harness
from harness import QUICK, WORK, cleanups, free_port, listens, percentile, row, start, wait_for, wanted

LOAD_SECONDS = 10 if QUICK else 60
PEER_SECONDS = 10 if QUICK else 20
MILLION = 100_000 if QUICK else 1_000_000
PAYLOAD = json.dumps({"data": "p" * 1000})


class Cluster(harness.Cluster):
    def deploy(self, name, replicas, concurrency=64):
        """Without replicas nothing is worked off: a queued request wakes a replica, so its image is one that is nowhere."""
        image = "cortex-bench/nginx" if replicas else "cortex-bench/nowhere"
        path = os.path.join(self.folder, f"{name}.yaml")
        with open(path, "w") as file:
            file.write(f"""- name: {name}
  kind: AsyncAPI
  pod:
    max_concurrency: {concurrency}
    containers:
      - {{name: api, image: {image}, compute: {{cpu: 100m, mem: 64Mi}}}}
  autoscaling: {{min_replicas: {replicas}, max_replicas: {max(1, replicas)}, init_replicas: {replicas}}}
""")
        self.cortex("deploy", path, "--wait") if replicas else self.cortex("deploy", path)

    def url(self, path):
        return f"http://127.0.0.1:{self.apis}{path}"

    def takes(self, name):
        """Whether a request is taken."""
        connection = http.client.HTTPConnection("127.0.0.1", self.apis, timeout=10)
        try:
            connection.request("POST", f"/{name}", PAYLOAD, {"Content-Type": "application/json"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

def disk():
    """What the disk does by itself in this very minute: no store is faster."""
    path = os.path.join(os.path.dirname(WORK), f"bench-sync-{os.getpid()}")
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    times = []
    try:
        end = time.monotonic() + (4 if QUICK else 10)
        while time.monotonic() < end:
            began = time.perf_counter()
            os.pwrite(file, b"x" * 4096, 4096 * (len(times) % 1000))
            os.fdatasync(file)
            times.append((time.perf_counter() - began) * 1000)
            time.sleep(0.002)
    finally:
        os.close(file)
        os.unlink(path)
    row("this disk alone, 4 KiB written and synced: p50 / p99 / longest", f"{statistics.median(times):.2f} / {percentile(times, 99):.2f} / {max(times):.0f} ms")


def submit(cluster):
    """Medians of rounds: a disk that stalls for a moment spoils one of them."""
    cluster.deploy("sink", 0)
    cluster.wrk("sink", 3)
    rounds = [cluster.wrk("sink", 3 if QUICK else 5) for _ in range(3 if QUICK else 7)]
    rate, p50, p99 = (statistics.median(column) for column in zip(*rounds))
    row(f"durable submit, 64 clients, median of {len(rounds)} rounds: per second", f"{rate:,.0f}", ">= 15,000", rate >= 15_000)
    row(f"durable submit, 64 clients, medians of {len(rounds)} rounds: p50 / p99 (best round)", f"{p50:.2f} / {p99:.2f} ms ({min(rounds, key=lambda r: r[2])[2]:.2f})", "< 3 / < 15 ms", p50 < 3 and p99 < 15)
    cluster.cortex("delete", "--force", "sink")


def lone(cluster):
    """From sending a request to having its result, nothing else going on: it reached the container before that."""
    connection = http.client.HTTPConnection("127.0.0.1", cluster.apis, timeout=30)

    def one():
        time.sleep(0.01)
        began = time.perf_counter()
        connection.request("POST", "/noop", PAYLOAD, {"Content-Type": "application/json"})
        id = json.loads(connection.getresponse().read())["id"]
        connection.request("GET", f"/noop/{id}?wait=10s")
        answer = json.loads(connection.getresponse().read())
        assert answer["status"] == "completed", answer
        return (time.perf_counter() - began) * 1000

    rounds = [[one() for _ in range(100 if QUICK else 200)] for _ in range(3 if QUICK else 7)]
    connection.close()
    p50, p99 = (statistics.median(percentile(times, p) for times in rounds) for p in (50, 99))
    row(f"lone request, sent to result in hand, medians of {len(rounds)} rounds: p50 / p99", f"{p50:.2f} / {p99:.2f} ms", "p99 < 10 ms", p99 < 10)


def cycles(cluster, seconds):
    """The highest steady rate at which nothing piles up, found in short runs, then held."""

    def run(pause, seconds):
        _, _, before = cluster.counts("noop")
        began = time.monotonic()
        rate, p50, p99 = cluster.wrk("noop", seconds, pause=pause)
        elapsed = time.monotonic() - began
        queued, active, after = cluster.counts("noop")
        wait_for(lambda: sum(cluster.counts("noop")[:2]) == 0, "the queue is worked off", 120)
        return (after - before) / elapsed, queued + active, p50, p99

    best = None
    for pause in (24, 16, 12, 10, 8, 7, 6, 5, 4, 3, 2):
        rate, backlog, _, _ = run(pause, 4)
        if backlog > rate / 2:
            break
        best = pause
    if best is None:
        return 0, 0, 0, 0
    return run(best, seconds)


def beanstalk(seconds):
    """Python clients in one process, as in the notes on peers: 8 producers, 16 consumers; every job is synced."""
    folder = os.path.join(WORK, "beanstalk")
    os.makedirs(folder, exist_ok=True)
    port = free_port()
    _, stop = start("beanstalkd", "-l", "127.0.0.1", "-p", str(port), "-b", folder, "-f", "0")
    wait_for(lambda: listens(port), "beanstalkd listens")
    end, done = time.monotonic() + seconds, [0] * 16
    body = PAYLOAD.encode()

    def connect():
        s = socket.create_connection(("127.0.0.1", port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s, s.makefile("rb")

    backlog = threading.Semaphore(2000)

    def producer():
        s, lines = connect()
        while time.monotonic() < end:
            if backlog.acquire(timeout=0.1):
                s.sendall(b"put 0 0 60 %d\r\n%s\r\n" % (len(body), body))
                assert lines.readline().startswith(b"INSERTED")

    def consumer(index):
        s, lines = connect()
        while time.monotonic() < end:
            s.sendall(b"reserve-with-timeout 1\r\n")
            head = lines.readline().split()
            if head[0] == b"RESERVED":
                lines.read(int(head[2]) + 2)
                s.sendall(b"delete %s\r\n" % head[1])
                lines.readline()
                backlog.release()
                done[index] += 1

    threads = [threading.Thread(target=producer) for _ in range(8)] + [threading.Thread(target=consumer, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop()
    return sum(done) / seconds


def celery(seconds):
    """Redis that syncs every write, two worker processes, a producer beside them that keeps 2,000 waiting."""
    folder = os.path.join(WORK, "redis")
    os.makedirs(folder, exist_ok=True)
    _, stop_redis = start("redis-server", "--port", "26379", "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--appendfsync", "always", "--save", "")
    wait_for(lambda: listens(26379), "redis listens")
    _, stop_worker = start("/usr/bin/python3", "-m", "celery", "-A", "celery_app", "worker", "--concurrency", "2", "--loglevel", "ERROR", cwd=HERE)
    sys.path.insert(0, HERE)
    import redis
    from celery_app import noop
    noop.delay(PAYLOAD).get(timeout=60)
    client = redis.Redis(port=26379)
    results = redis.Redis(port=26379, db=1)
    before = results.dbsize()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if client.llen("celery") > 2000:
            time.sleep(0.01)
            continue
        for _ in range(100):
            noop.apply_async((PAYLOAD,), ignore_result=False)
    done = (results.dbsize() - before) / seconds
    client.flushall()
    stop_worker()
    stop_redis()
    return done


def postgres():
    """A server of its own with its defaults but for the size of its log; everything synced."""
    folder = os.path.join(WORK, "postgres-server")
    binaries = sorted(os.path.join("/usr/lib/postgresql", version, "bin") for version in os.listdir("/usr/lib/postgresql"))[-1]
    port = free_port()
    os.makedirs(folder)
    as_user = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        os.chmod(WORK, 0o755)
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = os.path.join(folder, "data")
    subprocess.run([*as_user, f"{binaries}/initdb", "-D", data, "-U", "cortex", "--auth=trust", "-E", "UTF8", "--locale=C"], check=True, capture_output=True)
    start(*as_user, f"{binaries}/postgres", "-D", data, "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1", "-c", "min_wal_size=1GB", "-c", "max_wal_size=2GB")
    wait_for(lambda: subprocess.run([f"{binaries}/pg_isready", "-h", "127.0.0.1", "-p", str(port)], capture_output=True).returncode == 0, "PostgreSQL answers")
    return f"Host=127.0.0.1;Port={port};Username=cortex;Database=postgres"


def million():
    cluster = Cluster("million")
    cluster.deploy("sink", 0)
    cluster.deploy("empty", 0)
    cluster.wrk("empty", 2)
    pairs = []
    began = time.monotonic()
    while cluster.counts("sink")[0] < MILLION:
        if time.monotonic() - began > 300:
            raise SystemExit("a million did not arrive within 300 s")
        cluster.wrk("sink", 5, connections=128)
    waiting = cluster.counts("sink")[0]
    loaded = cluster.rss_mb
    time.sleep(5)
    row(f"{waiting:,.0f} waiting: server resident after loading / at rest", f"{loaded:.0f} / {cluster.rss_mb:.0f} MB", "< 250 MB", max(loaded, cluster.rss_mb) < 250)

    other = Cluster("few")
    other.deploy("sink", 0)
    other.wrk("sink", 2)
    for _ in range(3):
        pairs.append((cluster.wrk("sink", 4)[1], other.wrk("sink", 4)[1]))
    ratio = statistics.median(full / empty for full, empty in pairs)
    row("submit latency with a million waiting / with few, p50, median of 3 ratios", f"{ratio:.2f}", "<= 1.5", ratio <= 1.5)
    other.down()
    cleanups.remove(other.down)

    os.kill(cluster.pid, signal.SIGKILL)
    began = time.monotonic()
    cluster.cortex("cluster", "up", cluster.config, "--yes")
    wait_for(lambda: cluster.takes("sink"), "requests are taken again")
    ready = time.monotonic() - began
    row("from kill -9 with a million waiting until submits are taken again", f"{ready:.2f} s", "< 2 s", ready < 2)
    wait_for(lambda: cluster.counts("sink")[0] >= waiting, "all are there again")
    cluster.down()
    cleanups.remove(cluster.down)


def main():
    rate = None
    disk()
    if wanted("submit") or wanted("lone") or wanted("cycles"):
        cluster = Cluster("sqlite")
        if wanted("submit"):
            submit(cluster)
        cluster.deploy("noop", 1)
        cluster.wrk("noop", 3, pause=16)
        if wanted("lone"):
            lone(cluster)
        if wanted("cycles"):
            rate, backlog, p50, p99 = cycles(cluster, LOAD_SECONDS)
            row(f"submitted, worked off, completed, {LOAD_SECONDS} s: per second", f"{rate:,.0f} ({backlog:,.0f} left at the end)", ">= 5,000", rate >= 5_000 and backlog < rate)
            row("in that run: submit p50 / p99", f"{p50:.2f} / {p99:.2f} ms")
        cluster.down()
        cleanups.remove(cluster.down)

    if wanted("peers"):
        for name, measure in (("Celery 5.2, Redis syncing every write", celery), ("beanstalkd, log synced at every write (keeps no result)", beanstalk)):
            peer = measure(PEER_SECONDS)
            row(f"{name}: per second" + ("; ours is" if rate else ""), f"{peer:,.0f}" + (f"; {rate / peer:.1f} times" if rate else ""), "> 1", rate > peer if rate else None)

    if wanted("postgres"):
        cluster = Cluster("postgres", f"storage: {{queues: postgres, postgres: {{connection_string: '{postgres()}'}}}}")
        cluster.deploy("noop", 1)
        cluster.wrk("noop", 3, pause=16)
        rate, backlog, p50, p99 = cycles(cluster, LOAD_SECONDS)
        row(f"PostgreSQL: submitted, worked off, completed, {LOAD_SECONDS} s: per second", f"{rate:,.0f} ({backlog:,.0f} left at the end)", ">= 3,000", rate >= 3_000 and backlog < rate)
        row("in that run: submit p50 / p99", f"{p50:.2f} / {p99:.2f} ms")
        cluster.down()
        cleanups.remove(cluster.down)

    if wanted("million"):
        million()


harness.run(
    main, "Async APIs", "async.md",
    "`bench/async/run.sh`. Everything on the same processors: load generator, server, worker and peers. Payloads and results of 1 KB, every write synced.")
