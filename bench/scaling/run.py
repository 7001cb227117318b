"""The measurements of run.sh. Everything it starts it stops; every phase is bounded in time."""
import asyncio
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import harness
from harness import QUICK, percentile, row, say, wait_for, wanted
from load import Load

STEP_RATE, STEP_WORK = 200, 0.1  # requests/s, and the seconds that a replica works on each: it takes 10 requests/s
STEP_NEEDED = int(STEP_RATE * STEP_WORK)
STEP_ROUNDS = 1 if QUICK else 3
STEP_HOLD = 5  # seconds that the load goes on once there are enough replicas

STEADY_COUNT = 15_000 if QUICK else 100_000
STEADY_RATE = 300
STEADY_WORK = 0.02
UPDATES, KILLS = 3, 5


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=120).stdout.strip()


class Cluster(harness.Cluster):
    def deploy(self, text, *flags):
        path = os.path.join(self.folder, "api.yaml")
        with open(path, "w") as file:
            file.write(text)
        return self.cortex("deploy", path, *flags)

    def describe(self, name):
        if not hasattr(self, "token"):
            with open(os.path.join(self.folder, "clusters", self.name, "token")) as file:
                self.token = file.read().strip()
        connection = http.client.HTTPConnection("127.0.0.1", self.operator, timeout=30)
        try:
            connection.request("GET", f"/describe/{name}", headers={"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise SystemExit(f"describe {name}: {answer.status} {text.decode()}")
            return json.loads(text)[0]
        finally:
            connection.close()

    def counts(self, name):
        return self.describe(name)["status"]["replica_counts"]

    def containers(self, name):
        """Ids of the containers of an API's replicas that run, not of their networks."""
        return docker("ps", "--quiet", "--no-trunc", "--filter", f"label=dev.cortex.cluster={self.name}", "--filter", f"name=cortex-{self.name}-{name}-", "--filter", "label=dev.cortex.container").split()

    def unanswered(self, replicas):
        """How often these replicas had got a request and gave no answer, by the gateway's log."""
        with open(os.path.join(self.folder, "clusters", self.name, "server.log")) as file:
            return sum("got a request and gave no proper answer" in line and any(replica in line for replica in replicas) for line in file)


def in_background(load, count, stop=lambda: False):
    thread = threading.Thread(target=lambda: asyncio.run(load.run(count, stop)))
    thread.start()
    return thread


STEP_API = """- name: step
  kind: RealtimeAPI
  pod:
    port: 8080
    max_concurrency: 1
    max_queue_length: 30000
    containers:
      - {{name: api, image: cortex-bench/scaling, env: {{WORK: "{work}"}}, compute: {{cpu: 50m, mem: 64Mi}}}}
  autoscaling:
    min_replicas: 1
    max_replicas: {most}
    target_in_flight: 1
    window: 10s
    upscale_stabilization_period: 0s
    downscale_stabilization_period: 10s
    max_upscale_factor: 100
    max_downscale_factor: 0.0
"""


def bare_start(count):
    """How long `docker run` takes to start so many of the same containers, as many at a time as the server starts, until each answers."""
    network = docker("network", "create", f"cortex-bench-{os.getpid()}")
    began = time.monotonic()
    ids, answered = [], []

    def one():
        container = docker("run", "--detach", "--network", network, "--memory", "64m", "--env", "CORTEX_PORT=8080", "cortex-bench/scaling")
        ids.append(container)
        address = docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                connection = http.client.HTTPConnection(address, 8080, timeout=5)
                connection.request("POST", "/", "{}")
                if connection.getresponse().status == 200:
                    answered.append(time.monotonic() - began)
                    return
            except OSError:
                time.sleep(0.01)

    gate = threading.Semaphore(16)

    def guarded():
        with gate:
            one()

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(answered) != count:
            raise SystemExit(f"only {len(answered)} of {count} containers answered")
        return max(answered)
    finally:
        docker("rm", "--force", *ids)
        docker("network", "rm", network)


def step():
    cluster = Cluster("step")
    cluster.deploy(STEP_API.format(work=STEP_WORK, most=STEP_NEEDED * 6 // 5), "--wait")
    decided, enough, bare, failed, sent, slowest = [], [], [], 0, 0, []
    for _ in range(STEP_ROUNDS):
        wait_for(lambda: (counts := cluster.counts("step"))["requested"] == 1 and counts["ready"] == 1 and counts["terminating"] == 0, "back at one replica", 180)
        bare.append(bare_start(STEP_NEEDED))
        time.sleep(5)
        load = Load(cluster.apis, "/step", STEP_RATE)
        done = threading.Event()
        began = time.monotonic()
        thread = in_background(load, STEP_RATE * 90, done.is_set)
        first = wanted_enough = ready_enough = None
        try:
            while ready_enough is None:
                if time.monotonic() - began > 60:
                    raise SystemExit(f"not {STEP_NEEDED} ready replicas within 60 s: {cluster.counts('step')}")
                counts, now = cluster.counts("step"), time.monotonic() - began
                first = first or (now if counts["requested"] > 1 else None)
                wanted_enough = wanted_enough or (now if counts["requested"] >= STEP_NEEDED else None)
                ready_enough = now if counts["ready"] >= STEP_NEEDED else None
                time.sleep(0.05)
            time.sleep(STEP_HOLD)
        finally:
            done.set()
            thread.join()
        say(f"  first decision {first:.2f} s, {STEP_NEEDED} wanted {wanted_enough:.2f} s, ready {ready_enough:.2f} s (docker run of as many: {bare[-1]:.2f} s); "
            f"{load.sent} requests, {len(load.failed)} failed, at most {load.most_open} open, slowest {max(load.latencies):.1f} s")
        decided.append(first)
        enough.append(ready_enough)
        slowest.append(max(load.latencies))
        failed += len(load.failed)
        sent += load.sent
    rounds = f"median of {STEP_ROUNDS}" if STEP_ROUNDS > 1 else "one round"
    row(f"step 0 to {STEP_RATE} requests/s: first decision after, {rounds}", f"{statistics.median(decided):.2f} s", "<= 2 s", statistics.median(decided) <= 2)
    over = statistics.median(ours - other for ours, other in zip(enough, bare))
    row(f"{STEP_NEEDED} replicas ready after / `docker run` of {STEP_NEEDED} until they answer, {rounds}",
        f"{statistics.median(enough):.1f} / {statistics.median(bare):.1f} s: {over:.1f} s more", "<= 5 s more", over <= 5)
    row(f"of {sent:,} requests failed (slowest answer {max(slowest):.1f} s)", f"{failed}", "0", failed == 0)
    cluster.down()
    harness.cleanups.remove(cluster.down)


STEADY_API = """- name: steady
  kind: RealtimeAPI
  pod:
    port: 8080
    max_concurrency: 4
    max_queue_length: 30000
    containers:
      - {{name: api, image: cortex-bench/scaling, env: {{WORK: "{work}", VERSION: "{version}"}}, compute: {{cpu: 100m, mem: 64Mi}}}}
  autoscaling:
    min_replicas: 2
    max_replicas: 8
    target_in_flight: {target}
    window: 10s
    upscale_stabilization_period: 0s
    downscale_stabilization_period: 0s
    max_upscale_factor: 2
    max_downscale_factor: 0.5
  update_strategy: {{max_surge: 1, max_unavailable: 0}}
"""


def kill(container):
    """Kills a container; returns its replica and the requests that it had begun and not ended, by its log. None when it was gone already, as after an update."""
    replica = docker("inspect", "--format", '{{index .Config.Labels "dev.cortex.pod"}}', container)
    # Followed from before its end, as it may be removed right after it.
    with subprocess.Popen(["docker", "logs", "--follow", container], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as log:
        time.sleep(0.5)
        killed = subprocess.run(["docker", "kill", container], capture_output=True, timeout=60).returncode == 0
        if not killed:
            log.terminate()
        text, _ = log.communicate(timeout=60)
    if not killed:
        return None
    begun, ended = set(), set()
    for line in text.splitlines():
        word, _, name = line.partition(" ")
        (begun if word == "begin" else ended if word == "end" else set()).add(name)
    return replica, begun - ended


def steady():
    cluster = Cluster("steady")
    settings = {"work": STEADY_WORK, "version": 0, "target": 4}
    cluster.deploy(STEADY_API.format(**settings), "--wait")
    load = Load(cluster.apis, "/steady", STEADY_RATE)
    began = time.monotonic()
    thread = in_background(load, STEADY_COUNT)
    seconds = STEADY_COUNT / STEADY_RATE
    random.seed(5)

    # What happens when, as parts of the whole; the load stays the same. With a lower target the same load asks for more replicas.
    plan = [(0.05 + 0.30 * i, "up") for i in range(3)] + [(0.20 + 0.30 * i, "down") for i in range(3)]
    plan += [(0.10 + 0.30 * i, "update") for i in range(UPDATES)] + [(0.12 + 0.17 * i, "kill") for i in range(KILLS)]
    excused, killed, seen, done = set(), [], [], {"up": 0, "down": 0, "update": 0, "kill": 0}

    def watch():
        counts = cluster.counts("steady")
        if not seen or seen[-1] != counts["requested"]:
            seen.append(counts["requested"])

    try:
        for at, what in sorted(plan):
            while time.monotonic() - began < at * seconds:
                watch()
                time.sleep(0.2)
            if what == "kill":
                victim = None
                while victim is None:
                    victims = cluster.containers("steady")
                    victim = kill(random.choice(victims))
                replica, lost = victim
                killed.append(replica)
                excused |= lost
                say(f"  {time.monotonic() - began:5.0f} s: killed one of {len(victims)} replicas, which worked on {len(lost)} requests")
            else:
                settings["target"] = {"up": 1, "down": 4}.get(what, settings["target"])
                settings["version"] += what == "update"
                cluster.deploy(STEADY_API.format(**settings), "--force")
                say(f"  {time.monotonic() - began:5.0f} s: {what}")
            done[what] += 1
        while thread.is_alive():
            watch()
            time.sleep(0.2)
    finally:
        thread.join()

    ups = sum(later > earlier for earlier, later in zip(seen, seen[1:]))
    downs = sum(later < earlier for earlier, later in zip(seen, seen[1:]))
    say(f"  wanted replicas: {' '.join(map(str, seen))}")
    in_killed = [name for name in load.failed if name in excused]
    others = {name: load.failed[name] for name in load.failed if name not in excused}
    # What a killed replica's system had taken in and the replica had not begun with: the gateway counts it, nobody names it.
    not_begun = cluster.unanswered(killed) - len(in_killed)
    unexplained = max(0, len(others) - max(0, not_begun))
    for name, (when, what) in sorted(others.items(), key=lambda item: item[1])[:20]:
        say(f"  failed: request {name}, {when - time.time() + time.monotonic() - began:.2f} s: {what}")
    row(f"{load.sent:,} requests at {STEADY_RATE}/s through {ups} scale-ups, {downs} scale-downs, {done['update']} updates, {done['kill']} killed replicas: failed",
        f"{unexplained}", "0", unexplained == 0 and load.sent == STEADY_COUNT and ups > 0 and downs > 0)
    row("besides, being processed in a killed replica, by its log / delivered to it and not begun, by the gateway's", f"{len(in_killed)} / {len(others) - unexplained}")
    row("their latency, p50 / p99", f"{percentile(load.latencies, 50) * 1000:.0f} / {percentile(load.latencies, 99) * 1000:.0f} ms")
    cluster.down()
    harness.cleanups.remove(cluster.down)


def main():
    for part in (step, steady):
        if wanted(part.__name__):
            say(f"\n{part.__name__}")
            part()


harness.run(main, "Scaling under load", "scaling.md", f"`bench/scaling/run.sh`. The replicas answer a request {STEP_WORK * 1000:.0f} ms (step) or {STEADY_WORK * 1000:.0f} ms (steady) after they got it; "
            "client, server, Docker and replicas share the machine. A request in a killed replica is known by the replica's own log or by the gateway's.")
