"""The measurements of run.sh. Everything it starts it stops; every phase is bounded in time."""
import http.client
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(HERE))
import harness
from harness import QUICK, cleanups, percentile, row, say, wait_for, wanted

IMAGE = "cortex-bench/boots"
APIS = 10 if QUICK else 30        # each is woken from zero once
FROZEN = 10                       # each is thawed once in every round
ROUNDS = 3 if QUICK else 12
NETWORK, ADDRESS = f"bench-zero-run-{os.getpid()}", "10.213.250.9"

API = """- name: {name}
  kind: RealtimeAPI
  pod:
    max_concurrency: 64
    containers:
      - name: api
        image: """ + IMAGE + """
        compute: {{cpu: 20m, mem: 32Mi}}
  autoscaling: {{min_replicas: 0, init_replicas: 0, window: 10s, downscale_stabilization_period: 0s{more}}}
"""


def docker(*arguments):
    subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=60)


def get(host, port, path="/"):
    """One request over a connection of its own; the milliseconds until its whole answer was there."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(host, port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"GET {path}: {answer.status} {body.decode()}")
        return (time.perf_counter() - began) * 1000, answer.headers["X-Cortex-Origin"]
    finally:
        connection.close()


def docker_run():
    """Milliseconds from `docker run` to the first answer of its program."""
    began = time.perf_counter()
    docker("run", "--detach", "--name", NETWORK, "--network", NETWORK, "--ip", ADDRESS, "--memory", "32m", IMAGE)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            get(ADDRESS, 8080)
            break
        except OSError:
            time.sleep(0.001)
    else:
        raise SystemExit("the container of docker run did not answer within 60 s")
    elapsed = (time.perf_counter() - began) * 1000
    docker("rm", "--force", NETWORK)
    return elapsed


class Cluster(harness.Cluster):
    def deploy(self, names, more=""):
        path = os.path.join(self.folder, "apis.yaml")
        with open(path, "w") as file:
            file.writelines(API.format(name=name, more=more) for name in names)
        self.cortex("deploy", path)

    def wake(self, name):
        elapsed, origin = get("127.0.0.1", self.apis, f"/{name}")
        if origin != "activator":
            raise SystemExit(f"{name} was not asleep")
        return elapsed


def containers(cluster, state):
    """Replicas of the cluster whose container is in that state."""
    return subprocess.run(
        ["docker", "ps", "--all", "--quiet", "--filter", f"label=dev.cortex.cluster={cluster.name}", "--filter", "label=dev.cortex.container", "--filter", f"status={state}"],
        check=True, capture_output=True, text=True, timeout=60).stdout.count("\n")


def from_zero(cluster):
    docker("network", "create", "--subnet", "10.213.250.0/24", NETWORK)
    cleanups.append(lambda: docker("network", "rm", NETWORK))
    names = [f"zero-{i}" for i in range(APIS)]
    cluster.deploy(names)
    time.sleep(3)  # spare networks and routes are there
    woken, runs, ratios = [], [], []
    for name in names:
        run, wake = docker_run(), cluster.wake(name)
        runs.append(run)
        woken.append(wake)
        ratios.append(wake / run)
        time.sleep(1.5)  # the spare network that was taken is made up again
    ratio = statistics.median(ratios)
    row(f"from zero to the first answer / docker run to its first answer, p50, {APIS} rounds",
        f"{statistics.median(woken):.0f} / {statistics.median(runs):.0f} ms = {ratio:.2f}", "1.3", ratio <= 1.3)
    row("the same, slowest", f"{max(woken):.0f} / {max(runs):.0f} ms")


def from_frozen(cluster):
    names = [f"frozen-{i}" for i in range(FROZEN)]
    cluster.deploy(names, ", idle: freeze")
    time.sleep(2)
    for name in names:
        cluster.wake(name)
    times = []
    for _ in range(ROUNDS):
        wait_for(lambda: containers(cluster, "paused") == FROZEN, "every replica is frozen", 60)
        time.sleep(1)
        for name in names:
            times.append(cluster.wake(name))
            time.sleep(0.05)
    p99 = percentile(times, 99)
    row(f"from a frozen replica to the answer, p50 of {len(times)}", f"{statistics.median(times):.1f} ms")
    row("the same, p99", f"{p99:.1f} ms", "100 ms", p99 < 100)
    row("the same, slowest", f"{max(times):.1f} ms")
    if containers(cluster, "created") + containers(cluster, "exited") > 0:
        say("containers ended meanwhile")


def main():
    cluster = Cluster("zero")
    if wanted("zero"):
        from_zero(cluster)
    if wanted("frozen"):
        from_frozen(cluster)


harness.run(
    main, "Waking", "zero.md",
    "`bench/zero/run.sh`. The program takes 50 ms to boot. From zero: a request to an API without a replica, beside "
    "`docker run` of the same image until its program answers, in turn. From frozen: a request to an API whose only replica is frozen.")
