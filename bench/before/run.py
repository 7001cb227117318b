"""The measurements of run.sh: every figure is the median of the rounds' ratios of this build to the earlier one."""
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(HERE))
import harness
from harness import QUICK, cleanups, row, wait_for, wanted

ROUNDS = 5 if QUICK else 15
SECONDS = 2 if QUICK else 3

API = """- name: {name}
  kind: {kind}
  pod:
    max_concurrency: 64
    containers:
      - {{name: api, image: {image}, compute: {{cpu: 100m, mem: 64Mi}}}}
  autoscaling: {{min_replicas: {replicas}, max_replicas: 1, init_replicas: {replicas}}}
"""


class Cluster(harness.Cluster):
    """A cluster of one of the two builds."""

    def deploy(self, name, kind, replicas):
        """Without replicas nothing is worked off: a queued request wakes a replica, so its image is one that is nowhere."""
        path = os.path.join(self.folder, f"{name}.yaml")
        with open(path, "w") as file:
            file.write(API.format(name=name, kind=kind, replicas=replicas, image="cortex-bench/nginx" if replicas else "cortex-bench/nowhere"))
        self.cortex("deploy", path, *(["--wait"] if replicas else []))

    def work(self):
        """Processor time of the server so far, in seconds."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def submit(self, api, pause=0):
        """Submits for a while, until all is worked off that can be: requests a second, p50 in ms, processor time per request in us."""
        before = self.work()
        rate, p50, _ = self.wrk(api, SECONDS, pause=pause)
        wait_for(lambda: api == "sink" or sum(self.counts(api)[:2]) == 0, "the queue is worked off", 120)
        return rate, p50, (self.work() - before) / (rate * SECONDS) * 1e6


def seconds(action):
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def compare(what, unit, now, before, more_is_better=False, rounds=ROUNDS):
    """Takes turns; the one that is first changes."""
    return judge(what, unit, [turn(now, before, i) for i in range(rounds)], more_is_better)


def turn(now, before, i):
    if i % 2:
        b = before()
        return now(), b
    a = now()
    return a, before()


def judge(what, unit, pairs, more_is_better=False):
    ratios = sorted(a / b for a, b in pairs)
    middle = statistics.median(ratios)
    # Half of the rounds lie between these.
    low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    well = high >= 0.97 if more_is_better else low <= 1.03
    now, before = (statistics.median(column) for column in zip(*pairs))
    row(what, f"{now:,.1f} / {before:,.1f} {unit} = {middle:.3f} ({low:.2f}-{high:.2f})", "0.97" if more_is_better else "1.03", well)


def main():
    now, before = Cluster("now"), Cluster("before", executable=os.environ["BEFORE_BIN"])
    both = (now, before)
    if wanted("submit"):
        for cluster in both:
            cluster.deploy("sink", "AsyncAPI", 0)
            cluster.submit("sink")
        pairs = [turn(lambda: now.submit("sink"), lambda: before.submit("sink"), i) for i in range(ROUNDS)]
        judge("durable submits, 64 clients", "a second", [(a[0], b[0]) for a, b in pairs], more_is_better=True)
        judge("in these: p50", "ms", [(a[1], b[1]) for a, b in pairs])
        judge("in these: processor time of a submit", "us", [(a[2], b[2]) for a, b in pairs])
        for cluster in both:
            cluster.cortex("delete", "--force", "sink")
    if wanted("cycles"):
        for cluster in both:
            cluster.deploy("noop", "AsyncAPI", 1)
            cluster.submit("noop", 16)
        pairs = [turn(lambda: now.submit("noop", 12), lambda: before.submit("noop", 12), i) for i in range(ROUNDS)]
        judge("whole cycles at a steady rate: processor time of one", "us", [(a[2], b[2]) for a, b in pairs])
        judge("in these: submit p50", "ms", [(a[1], b[1]) for a, b in pairs])
        for cluster in both:
            cluster.cortex("delete", "--force", "noop")
    if wanted("get"):
        for cluster in both:
            cluster.deploy("web", "RealtimeAPI", 1)
        compare("`cortex get`", "ms", *(lambda c=c: seconds(lambda: c.cortex("get")) * 1000 for c in both), rounds=3 * ROUNDS)
    if wanted("deploy"):
        def fresh(cluster):
            took = seconds(lambda: cluster.deploy("fresh", "RealtimeAPI", 1))
            cluster.cortex("delete", "--force", "fresh")
            wait_for(lambda: not subprocess.run(["docker", "ps", "-aq", "--filter", f"name=^cortex-{cluster.name}-fresh"], capture_output=True, text=True, check=True).stdout, "its replica is gone", 90)
            return took * 1000

        compare("deploying, until it is ready", "ms", *(lambda c=c: fresh(c) for c in both))
    if wanted("up"):
        def up(cluster):
            cluster.down()
            return seconds(lambda: cluster.cortex("cluster", "up", cluster.config, "--yes")) * 1000

        compare("`cluster up` until it answers", "ms", *(lambda c=c: up(c) for c in both))
    for cluster in both:
        cluster.down()
        cleanups.remove(cluster.down)


harness.run(main, "This build beside an earlier one", "before.md", "`BEFORE_BIN=... bench/before/run.sh`; each figure: this build / the earlier one = median of the rounds' ratios (the middle half of them).")
