"""Loads an API with a changing rate, notes what happens each second, and draws it. Arguments: FOLDER CSV SVG; CORTEX_BIN in the environment."""
import asyncio
import csv
import os
import re
import subprocess
import sys
import time
import urllib.request

FOLDER, CSV, SVG = sys.argv[1:4]
CORTEX = os.environ["CORTEX_BIN"]
OPERATOR, APIS = int(os.environ.get("OPERATOR_PORT", "27888")), int(os.environ.get("APIS_PORT", "27889"))
NAME = f"picture-{os.getpid()}"
MIN = int(os.environ.get("MIN_REPLICAS", "0"))

# Requests per second, straight between these (second, rate).
PROFILE = [(0, 0), (15, 0), (16, 1), (45, 1), (46, 8), (90, 8), (150, 16), (165, 16), (166, 4), (225, 4), (226, 0), (330, 0)]

CLUSTER = f"cluster_name: {NAME}\noperator: {{port: {OPERATOR}}}\napis: {{port: {APIS}}}\n"
API = f"""\
- name: work
  kind: RealtimeAPI
  pod:
    containers:
      - {{name: api, image: cortex-bench/half, compute: {{cpu: 50m, mem: 24Mi}}}}
    max_queue_length: 1000
  autoscaling:
    min_replicas: {MIN}
    max_replicas: 12
    window: 10s
    upscale_stabilization_period: 0s
    downscale_stabilization_period: 15s
    max_upscale_factor: 3
    max_downscale_factor: 0.5
"""


def rate(second):
    for (t0, r0), (t1, r1) in zip(PROFILE, PROFILE[1:]):
        if t0 <= second < t1:
            return r0 + (r1 - r0) * (second - t0) / (t1 - t0)
    return 0


def cortex(*arguments):
    done = subprocess.run([CORTEX, *arguments], env={**os.environ, "CORTEX_CLI_CONFIG_DIR": FOLDER}, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"cortex {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


class Counts:
    sent = failed = 0
    slowest = 0.0


async def call(counts):
    began = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", APIS)
        writer.write(b"GET /work/cgi-bin/work HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = await asyncio.wait_for(reader.readline(), 60)
        await reader.read()
        writer.close()
        counts.failed += b" 200 " not in head
    except (OSError, asyncio.TimeoutError):
        counts.failed += 1
    counts.slowest = max(counts.slowest, time.monotonic() - began)


async def load(counts, began, calls):
    """An open loop: a request is sent when its time has come, whatever became of those before."""
    due, before = 0.0, 0.0
    while (second := time.monotonic() - began) < PROFILE[-1][0]:
        due += rate(second) * (second - before)
        before = second
        while due >= 1:
            due -= 1
            counts.sent += 1
            calls.append(asyncio.create_task(call(counts)))
        await asyncio.sleep(0.01)


def metrics():
    text = urllib.request.urlopen(f"http://127.0.0.1:{OPERATOR}/metrics", timeout=5).read().decode()

    def value(pattern):
        return sum(float(v) for v in re.findall(rf"^{pattern} (\S+)$", text, re.M))
    return (
        int(value(r'cortex_in_flight_requests\{api_name="work".*\}')),
        int(value(r'cortex_replicas_wanted\{api_name="work".*\}')),
        int(value(r'cortex_replicas\{api_name="work".*state="Ready"\}')),
    )


async def record():
    counts, rows, calls = Counts(), [], []
    began = time.monotonic()
    loading = asyncio.create_task(load(counts, began, calls))
    sent = failed = 0
    for second in range(PROFILE[-1][0]):
        await asyncio.sleep(max(0, began + second + 1 - time.monotonic()))
        in_flight, wanted, ready = await asyncio.to_thread(metrics)
        rows.append((second, counts.sent - sent, in_flight, wanted, ready, counts.failed - failed, round(counts.slowest, 2)))
        sent, failed, counts.slowest = counts.sent, counts.failed, 0.0
    await loading
    await asyncio.gather(*calls)
    print(f"{counts.sent} requests, {counts.failed} failed")
    return rows


def draw(rows):
    width, height, left, gap = 860, 150, 46, 34
    last = rows[-1][0] + 1
    parts = []

    def x(second):
        return left + (width - left - 12) * second / last

    def panel(index, title, series):
        top = 26 + index * (height + gap)
        most = max(max(value for value in values) for _, values, _, _ in series) or 1
        step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if most / step <= 4)
        most = step * -(-most // step)

        def y(value):
            return top + height * (1 - value / most)
        parts.append(f'<text x="{left}" y="{top - 9}" class="title">{title}</text>')
        for tick in range(0, int(most) + 1, step):
            parts.append(f'<path d="M{left} {y(tick):.1f}H{width - 12}" class="grid"/><text x="{left - 6}" y="{y(tick) + 4:.1f}" class="tick">{tick}</text>')
        for number, (name, values, style, steps) in enumerate(series):
            points = [f"{x(0):.1f} {y(values[0]):.1f}"]
            for second, value in enumerate(values):
                points.append(f"H{x(second):.1f}V{y(value):.1f}" if steps else f"L{x(second):.1f} {y(value):.1f}")
            parts.append(f'<path d="M{" ".join(points)}" class="{style}"/>')
            parts.append(f'<path d="M{width - 330 + number * 170} {top - 13}h18" class="{style}"/><text x="{width - 306 + number * 170}" y="{top - 9}" class="name">{name}</text>')
        return top + height

    columns = list(zip(*rows))
    panel(0, "requests", [("sent per second", columns[1], "a", False), ("in flight", columns[2], "b", False)])
    bottom = panel(1, "replicas", [("wanted", columns[3], "a", True), ("ready", columns[4], "b", True)])
    for second in range(0, last + 1, 30):
        parts.append(f'<text x="{x(second):.1f}" y="{bottom + 17}" class="time">{second} s</text>')
    with open(SVG, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 8} {bottom + 26}" font-family="sans-serif" font-size="12">\n'
                   '<style>.a,.b,.grid{fill:none}.a{stroke:#2a6fbb;stroke-width:1.6}.b{stroke:#d9822b;stroke-width:1.6}.grid{stroke:#ddd}'
                   '.title{font-weight:bold;fill:#333}.tick{text-anchor:end;fill:#777}.time{text-anchor:middle;fill:#777}.name{fill:#333}</style>\n'
                   f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n")


def main():
    config, api = os.path.join(FOLDER, "cluster.yaml"), os.path.join(FOLDER, "cortex.yaml")
    for path, text in ((config, CLUSTER), (api, API)):
        with open(path, "w") as file:
            file.write(text)
    cortex("cluster", "up", config, "--yes")
    try:
        cortex("deploy", api)
        rows = asyncio.run(record())
        print(cortex("describe", "work"))
    finally:
        cortex("cluster", "down", "--yes")
    with open(CSV, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("second", "sent", "in_flight", "wanted", "ready", "failed", "slowest_s"))
        out.writerows(rows)
    draw(rows)


main()
