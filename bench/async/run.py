"""The measurements of run.sh. Everything it starts it stops; every phase is bounded in time."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CORTEX = os.environ["CORTEX_BIN"]
WORK, MODE = sys.argv[1], sys.argv[2]
QUICK = MODE == "quick"
LOAD_SECONDS = 10 if QUICK else 60
PEER_SECONDS = 10 if QUICK else 20
MILLION = 100_000 if QUICK else 1_000_000
PAYLOAD = json.dumps({"data": "p" * 1000})

rows, missed, cleanups = [], [], []


def say(text):
    print(text, flush=True)


def row(what, measured, mark="-", reached=None):
    verdict = "-" if reached is None else "yes" if reached else "NO"
    if reached is False:
        missed.append(what)
    rows.append((what, measured, mark, verdict))
    say(f"{what:<78} {measured:<34} {mark:<14} {verdict}")


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"never happened within {seconds} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
        return True
    except OSError:
        return False


def start(*command, **options):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)

    def stop():
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    cleanups.append(stop)
    return process, stop


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


class Cluster:
    """A cluster of its own: own name, ports, configuration and data."""

    def __init__(self, name, more=""):
        self.name = f"bench-{name}-{os.getpid()}"
        self.folder = os.path.join(WORK, name)
        self.operator, self.apis = free_port(), free_port()
        os.makedirs(self.folder)
        self.config = os.path.join(self.folder, "cluster.yaml")
        with open(self.config, "w") as file:
            file.write(f"cluster_name: {self.name}\noperator: {{port: {self.operator}}}\napis: {{port: {self.apis}}}\n{more}\n")
        self.cortex("cluster", "up", self.config, "--yes")
        cleanups.append(self.down)

    def cortex(self, *arguments):
        done = subprocess.run([CORTEX, *arguments], env={**os.environ, "CORTEX_CLI_CONFIG_DIR": self.folder}, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise SystemExit(f"cortex {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def down(self):
        self.cortex("cluster", "down", "--yes")

    @property
    def pid(self):
        with open(os.path.join(self.folder, "clusters", self.name, "server.pid")) as file:
            return int(file.read())

    @property
    def rss_mb(self):
        with open(f"/proc/{self.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1000

    def deploy(self, name, replicas, concurrency=64):
        path = os.path.join(self.folder, f"{name}.yaml")
        with open(path, "w") as file:
            file.write(f"""- name: {name}
  kind: AsyncAPI
  pod:
    max_concurrency: {concurrency}
    containers:
      - {{name: api, image: cortex-bench/nginx, compute: {{cpu: 100m, mem: 64Mi}}}}
  autoscaling: {{min_replicas: {replicas}, init_replicas: {replicas}}}
""")
        self.cortex("deploy", path, "--wait") if replicas else self.cortex("deploy", path)

    def url(self, path):
        return f"http://127.0.0.1:{self.apis}{path}"

    def counts(self, name):
        """Waiting, in progress and completed requests, from the metrics."""
        connection = http.client.HTTPConnection("127.0.0.1", self.operator, timeout=10)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()

        def total(metric):
            return sum(float(value) for labels, value in re.findall(rf"^{metric}\{{([^}}]*)\}} (\S+)$", text, re.M) if f'api_name="{name}"' in labels)

        return total("cortex_async_queued"), total("cortex_async_active"), total("cortex_async_request_count")

    def wrk(self, name, seconds, connections=64, pause=0):
        output = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", os.path.join(HERE, "submit.lua"), self.url("/" + name), "--", str(pause)],
            capture_output=True, text=True, timeout=seconds + 60).stdout
        requests, microseconds, p50, p99, errors = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", output).groups())
        if errors:
            raise SystemExit(f"{errors} of {requests} submits failed:\n{output}")
        return requests / microseconds * 1e6, p50 / 1000, p99 / 1000


def submit(cluster):
    cluster.deploy("sink", 0)
    cluster.wrk("sink", 3)
    rate, p50, p99 = cluster.wrk("sink", 5 if QUICK else 20)
    row("durable submit, 64 clients: per second", f"{rate:,.0f}", ">= 15,000", rate >= 15_000)
    row("durable submit, 64 clients: p50 / p99", f"{p50:.2f} / {p99:.2f} ms", "< 3 / < 15 ms", p50 < 3 and p99 < 15)
    cluster.cortex("delete", "--force", "sink")


def lone(cluster):
    """From sending a request to having its result, nothing else going on: it reached the container before that."""
    connection = http.client.HTTPConnection("127.0.0.1", cluster.apis, timeout=30)
    times = []
    for _ in range(200 if QUICK else 1000):
        time.sleep(0.01)
        began = time.perf_counter()
        connection.request("POST", "/noop", PAYLOAD, {"Content-Type": "application/json"})
        id = json.loads(connection.getresponse().read())["id"]
        connection.request("GET", f"/noop/{id}?wait=10s")
        answer = json.loads(connection.getresponse().read())
        assert answer["status"] == "completed", answer
        times.append((time.perf_counter() - began) * 1000)
    connection.close()
    row("lone request, sent to result in hand: p50 / p99", f"{statistics.median(times):.2f} / {percentile(times, 99):.2f} ms", "p99 < 10 ms", percentile(times, 99) < 10)


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
    sys.dont_write_bytecode = True
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
    folder = os.path.join(WORK, "postgres")
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
    wait_for(lambda: cluster.counts("sink")[0] >= waiting, "all are there again")
    row("ready after kill -9 with a million waiting", f"{time.monotonic() - began:.2f} s", "< 2 s", time.monotonic() - began < 2)
    cluster.down()
    cleanups.remove(cluster.down)


def main():
    cluster = Cluster("sqlite")
    submit(cluster)
    cluster.deploy("noop", 1)
    lone(cluster)
    rate, backlog, p50, p99 = cycles(cluster, LOAD_SECONDS)
    row(f"submitted, worked off, completed, {LOAD_SECONDS} s: per second", f"{rate:,.0f} ({backlog:,.0f} left at the end)", ">= 5,000", rate >= 5_000 and backlog < rate)
    row("in that run: submit p50 / p99", f"{p50:.2f} / {p99:.2f} ms")
    peers = {"Celery 5.2, Redis syncing every write": celery(PEER_SECONDS), "beanstalkd, log synced at every write (keeps no result)": beanstalk(PEER_SECONDS)}
    for name, peer in peers.items():
        row(f"{name}: completed per second; ours is", f"{peer:,.0f}; {rate / peer:.1f} times", "> 1", rate > peer)
    cluster.down()
    cleanups.remove(cluster.down)

    on_postgres = Cluster("postgres", f"storage: {{queues: postgres, postgres: {{connection_string: '{postgres()}'}}}}")
    on_postgres.deploy("noop", 1)
    on_postgres.wrk("noop", 2, pause=16)
    rate, backlog, p50, p99 = cycles(on_postgres, LOAD_SECONDS)
    row(f"PostgreSQL: submitted, worked off, completed, {LOAD_SECONDS} s: per second", f"{rate:,.0f} ({backlog:,.0f} left at the end)", ">= 3,000", rate >= 3_000 and backlog < rate)
    row("in that run: submit p50 / p99", f"{p50:.2f} / {p99:.2f} ms")
    on_postgres.down()
    cleanups.remove(on_postgres.down)

    million()


try:
    main()
finally:
    for cleanup in reversed(cleanups):
        try:
            cleanup()
        except Exception as error:
            say(f"could not clean up: {error}")

if not QUICK:
    with open("bench/results/async.md", "w") as file:
        file.write(f"# Async APIs\n\n{os.environ['MACHINE']}\n\n`bench/async/run.sh`. Everything on the same processors: load generator, server, worker and peers. Payloads and results of 1 KB, every write synced.\n\n")
        file.write("| | measured | mark | reached |\n|---|---|---|---|\n")
        file.writelines(f"| {what} | {measured} | {mark} | {verdict} |\n" for what, measured, mark, verdict in rows)
    say("\nwritten to bench/results/async.md")
if missed:
    say(f"{len(missed)} marks missed: {'; '.join(missed)}")
    sys.exit(1)
