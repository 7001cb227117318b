"""Measures the Python client; run.sh calls it. The argument is a folder for the cluster's files."""

from __future__ import annotations

import asyncio
import glob
import os
import socket
import statistics
import subprocess
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
SOURCE = os.path.join(ROOT, "clients", "python", "src")
sys.path.insert(0, SOURCE)

import cortex  # noqa: E402
import cortex.aio  # noqa: E402

CLI = os.environ["CORTEX_BIN"]
REQUESTS, ROUNDS, CLIENTS = 10_000, 5, 64
PAYLOAD = {"data": "p" * 1000}
NAME = "bench-python"
LOAD = os.getloadavg()[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def seconds(*command: str, folder: str | None = None) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": SOURCE}, cwd=folder)
    return time.perf_counter() - begin


def median_of(measure, times: int) -> float:
    return statistics.median(measure() for _ in range(times))


def import_of(module: str) -> float:
    code = f"import time; begin = time.perf_counter(); import {module}; print(time.perf_counter() - begin)"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": SOURCE}).stdout
    return float(output)


# Requests for each second of this process's own processor time, of each round of ours().
own: list[float] = []


async def ours(endpoint: str) -> float:
    async with cortex.aio.client() as client:
        queue = client.requests("bench")
        await queue.submit(PAYLOAD)
        begin, used = time.perf_counter(), time.process_time()
        ids = await asyncio.gather(*(queue.submit(PAYLOAD) for _ in range(REQUESTS)))
        took = time.perf_counter() - begin
        own.append(REQUESTS / (time.process_time() - used))
        assert len(set(ids)) == REQUESTS
        return REQUESTS / took


async def streamed(endpoint: str) -> float:
    async with cortex.aio.client() as client:
        queue = client.requests("bench")
        await queue.submit(PAYLOAD)
        begin = time.perf_counter()
        ids = {id async for id in queue.submit_many(PAYLOAD for _ in range(REQUESTS))}
        took = time.perf_counter() - begin
        assert len(ids) == REQUESTS
        return REQUESTS / took


async def by_tasks(submit, requests: int) -> float:
    left = iter(range(requests))
    ids = []

    async def work() -> None:
        for _ in left:
            ids.append(await submit())

    begin = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CLIENTS)))
    took = time.perf_counter() - begin
    assert len(set(ids)) == requests
    return requests / took


async def httpx_rate(endpoint: str) -> float:
    import httpx

    # One task for each connection: with all requests at once, its pool takes minutes.
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS), timeout=600) as client:

        async def submit() -> str:
            return (await client.post(endpoint, json=PAYLOAD)).json()["id"]

        return await by_tasks(submit, REQUESTS // 5)


async def aiohttp_rate(endpoint: str) -> float:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS)) as client:

        async def submit() -> str:
            async with client.post(endpoint, json=PAYLOAD) as answer:
                return (await answer.json())["id"]

        return await by_tasks(submit, REQUESTS)


def main() -> int:
    folder = os.path.join(sys.argv[1], NAME)
    os.makedirs(folder)
    os.environ["CORTEX_CLI_CONFIG_DIR"] = folder
    for variable in ("CORTEX_OPERATOR_ENDPOINT", "CORTEX_TOKEN"):
        os.environ.pop(variable, None)
    with open(os.path.join(folder, "cluster.yaml"), "w", encoding="utf-8") as file:
        file.write(f"cluster_name: {NAME}\noperator: {{port: {free_port()}}}\napis: {{port: {free_port()}}}\n")
    with open(os.path.join(folder, "task.yaml"), "w", encoding="utf-8") as file:
        file.write("- name: task\n  kind: TaskAPI\n  pod:\n    containers:\n    - {name: main, image: 'cortex-bench/nginx-python', command: [nothing]}\n")
    with open(os.path.join(folder, "deploy.py"), "w", encoding="utf-8") as file:
        file.write("import cortex\ncortex.client().deploy_from_file('task.yaml')\n")
    rows = measure_import()
    subprocess.run([CLI, "cluster", "up", os.path.join(folder, "cluster.yaml")], check=True, capture_output=True)
    # A cluster that has just begun makes networks and takes stock for a while.
    time.sleep(10)
    try:
        rows += measure(folder)
    finally:
        subprocess.run([CLI, "cluster", "down", "-y"], check=True, capture_output=True)
    return report(rows)


def measure_import() -> list[tuple[str, str, str, bool | None]]:
    imported, httpx = median_of(lambda: import_of("cortex"), 11), median_of(lambda: import_of("httpx"), 11)
    return [
        ("`import cortex`, median of 11", f"{imported * 1000:.0f} ms", "< 100 ms", imported < 0.1),
        ("`import httpx`, median of 11", f"{httpx * 1000:.0f} ms", "-", None),
    ]


def measure(folder: str) -> list[tuple[str, str, str, bool | None]]:
    rows: list[tuple[str, str, str, bool | None]] = []
    bare = median_of(lambda: seconds(sys.executable, "-c", "pass"), 11)
    command = median_of(lambda: seconds(CLI, "deploy", "task.yaml", folder=folder), 11)
    program = median_of(lambda: seconds(sys.executable, "deploy.py", folder=folder), 11)
    client = cortex.client()
    client.list_apis()

    def deploy() -> float:
        begin = time.perf_counter()
        client.deploy_from_file(os.path.join(folder, "task.yaml"))
        return time.perf_counter() - begin

    once = median_of(deploy, 11)
    rows.append(("`cortex deploy`, the whole command, median of 11", f"{command * 1000:.0f} ms", "-", None))
    rows.append((f"the same deploy by a Python program, the whole process ({bare * 1000:.0f} ms of it Python's own start), median of 11", f"{program * 1000:.0f} ms", "<= the command", program <= command))
    rows.append(("the same deploy in a program that runs, median of 11", f"{once * 1000:.1f} ms", "<= the command", once <= command))

    api = client.deploy({
        "name": "bench", "kind": "AsyncAPI", "pod": {"max_concurrency": 64, "port": 8080, "containers": [{"name": "api", "image": "cortex-bench/nginx-python"}]},
        "autoscaling": {"max_replicas": 1},
    }, wait=True)  # fmt: skip
    endpoint = api["endpoint"]
    for name, rate, mark in (
        (f"{REQUESTS} submissions at once from one event loop", ours, 3000),
        (f"{REQUESTS} from `submit_many`", streamed, 3000),
        (f"the same requests by aiohttp, {CLIENTS} tasks", aiohttp_rate, None),
        (f"the same requests by httpx, {CLIENTS} tasks", httpx_rate, None),
    ):
        rates = []
        for _ in range(ROUNDS):
            rates.append(asyncio.run(rate(endpoint)))
            settle(client)
        middle = statistics.median(rates)
        spread = f"{middle:,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"
        rows.append((f"{name}, payloads of 1 KB, median of {ROUNDS} rounds", spread, f"> {mark:,}/s" if mark else "-", None if mark is None else middle > mark))
    rows.append(("of the first of these: submissions for each second of the client's own processor time, median", f"{statistics.median(own):,.0f}", "-", None))
    wheel = os.path.getsize(glob.glob(os.path.join(ROOT, "artifacts", "cortex-*.whl"))[0])
    rows.append(("the wheel", f"{wheel / 1000:.1f} KB", "< 60 KB", wheel < 60_000))
    client.close()
    return rows


def settle(client: cortex.Client) -> None:
    """Waits until the requests of a round are worked off, so that the next has the machine for itself."""
    end = time.monotonic() + 120
    while any(client.get_api("bench")["queue"][key] for key in ("waiting", "in_progress")):
        assert time.monotonic() < end, "requests are left"
        time.sleep(0.2)


def report(rows: list[tuple[str, str, str, bool | None]]) -> int:
    lines = ["# Python client", "", os.environ["MACHINE"], ""]
    lines += [f"`bench/python/run.sh`. Python {sys.version.split()[0]}; client, server and worker on the same processors. Every submission is synced to the disk before its answer. Load of the machine before it began: {LOAD:.1f}.", ""]
    lines += ["| | measured | mark | reached |", "|---|---|---|---|"]
    lines += [f"| {what} | {value} | {mark} | {'-' if reached is None else 'yes' if reached else 'NO'} |" for what, value, mark, reached in rows]
    text = "\n".join(lines) + "\n"
    print(text)
    with open(os.path.join(ROOT, "bench", "results", "python.md"), "w", encoding="utf-8") as file:
        file.write(text)
    return 1 if any(reached is False for *_, reached in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
