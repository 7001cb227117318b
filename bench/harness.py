"""What the measurements in Python share. They have CORTEX_BIN and MACHINE in their environment, and arguments FOLDER [quick] [PART...]."""
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CORTEX = os.environ["CORTEX_BIN"]
WORK = sys.argv[1]
QUICK = "quick" in sys.argv[2:]
PARTS = [part for part in sys.argv[2:] if part != "quick"]

rows, missed, cleanups = [], [], []


def say(text):
    print(text, flush=True)


def row(what, measured, mark="-", reached=None):
    verdict = "-" if reached is None else "yes" if reached else "NO"
    if reached is False:
        missed.append(what)
    rows.append((what, measured, mark, verdict))
    say(f"{what:<78} {measured:<34} {mark:<14} {verdict}")


def wanted(part):
    return not PARTS or part in PARTS


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


def listens(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 0.2).close()
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

    def __init__(self, name, more="", executable=CORTEX):
        self.executable = executable
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
        done = subprocess.run([self.executable, *arguments], env={**os.environ, "CORTEX_CLI_CONFIG_DIR": self.folder}, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise SystemExit(f"cortex {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def down(self):
        self.cortex("cluster", "down", "--yes")

    def counts(self, name):
        """Waiting, in progress and completed requests of an AsyncAPI, from the metrics."""
        connection = http.client.HTTPConnection("127.0.0.1", self.operator, timeout=10)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()

        def total(metric):
            return sum(float(value) for labels, value in re.findall(rf"^{metric}\{{([^}}]*)\}} (\S+)$", text, re.M) if f'api_name="{name}"' in labels)

        return total("cortex_async_queued"), total("cortex_async_active"), total("cortex_async_request_count")

    def wrk(self, name, seconds, connections=64, pause=0):
        """Submits 1 KB requests to an AsyncAPI, with a pause of so many ms between them: a second, p50 and p99 in ms."""
        output = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", os.path.join(HERE, "async", "submit.lua"), f"http://127.0.0.1:{self.apis}/{name}", "--", str(pause)],
            capture_output=True, text=True, timeout=seconds + 60).stdout
        requests, microseconds, p50, p99, errors = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", output).groups())
        if errors:
            raise SystemExit(f"{errors} of {requests} submits failed:\n{output}")
        return requests / microseconds * 1e6, p50 / 1000, p99 / 1000

    @property
    def pid(self):
        with open(os.path.join(self.folder, "clusters", self.name, "server.pid")) as file:
            return int(file.read())

    @property
    def rss_mb(self):
        with open(f"/proc/{self.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1000


def run(main, title, file_name, note):
    """Measures, cleans up whatever happens, writes the table when everything was measured, and ends with 1 when a mark was missed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    try:
        main()
    finally:
        for cleanup in reversed(cleanups):
            try:
                cleanup()
            except Exception as error:
                say(f"could not clean up: {error}")
    if not QUICK and not PARTS:
        with open(f"bench/results/{file_name}", "w") as file:
            file.write(f"# {title}\n\n{os.environ['MACHINE']}\n\n{note}\n\n| | measured | mark | reached |\n|---|---|---|---|\n")
            file.writelines(f"| {what} | {measured} | {mark} | {verdict} |\n" for what, measured, mark, verdict in rows)
        say(f"\nwritten to bench/results/{file_name}")
    if missed:
        say(f"{len(missed)} marks missed: {'; '.join(missed)}")
        sys.exit(1)
