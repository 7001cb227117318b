"""Turns the lines of run.sh (case, proxy, requests/s, p50 ms, p99 ms, errors, requests, our processor time in 10 ms; round by round)
into tables."""

import os
import sys
from collections import defaultdict
from statistics import median

TITLES = {
    "100": "64 connections, 100 B answers",
    "10k": "64 connections, 10 KB answers",
    "1m": "64 connections, 1 MB answers",
    "queue": "256 connections queueing at a limit of 16, 100 B answers",
}


def main(path, mode, rounds, seconds, memory):
    cases = defaultdict(lambda: defaultdict(list))
    for line in open(path, encoding="ascii"):
        case, proxy, *numbers = line.split()
        run = [float(number) for number in numbers]
        cases[case][proxy].append([*run, run[5] * 10_000 / run[4]])   # and our processor time per request, in us

    print("# Gateway beside nginx and HAProxy\n")
    print(f"{mode} mode: {rounds} interleaved rounds of {seconds} s on {os.cpu_count()} cores that load, proxy and "
          f"upstream share; one wrk thread; nginx with one worker, HAProxy with one thread. A ratio is the median of "
          f"the rounds' ratios. The machine's load average was {os.getloadavg()[2]:.1f} over the last 15 minutes, these "
          f"runs included; one above the number of cores plus two would mean that others were at work. The gateway held {memory} MB at the end of its runs without a limit.\n")
    met = []
    split = cases.pop("split", None)
    before = cases.pop("before", None)
    for case, proxies in cases.items():
        print(f"## {TITLES[case]}\n")
        print("| | req/s | p50 ms | p99 ms | req/s x nginx | p99 x nginx | req/s x HAProxy | p99 x HAProxy | errors |")
        print("|---|---|---|---|---|---|---|---|---|")
        for proxy, runs in proxies.items():
            cells = [f"{median(run[0] for run in runs):,.0f}", f"{median(run[1] for run in runs):.2f}",
                     f"{median(run[2] for run in runs):.2f}"]
            for peer in ("nginx", "haproxy"):
                for column in (0, 2):
                    cells.append(f"{ratio(runs, proxies[peer], column):.2f}" if peer in proxies else "-")
            print(f"| {proxy} | {' | '.join(cells)} | {sum(run[3] for run in runs):.0f} |")
        print()
        if "nginx" in proxies:
            speed, tail = (ratio(proxies["cortex"], proxies["nginx"], column) for column in (0, 2))
            met.append(f"- {TITLES[case]}: {speed:.2f} of nginx's throughput (mark: at least 0.60): "
                       f"{'met' if speed >= 0.6 else 'MISSED'}")
            if case == "100":
                met.append(f"- {TITLES[case]}: {tail:.2f} times nginx's p99 (mark: under 3): "
                           f"{'met' if tail < 3 else 'MISSED'}")
    if split:
        met += splitters(split)
    if before:
        met += since(before)
    print("## Marks\n")
    print("\n".join(met))


def since(builds):
    """This build beside an earlier one."""
    speed, middle, tail, work = (ratio(builds["cortex"], builds["before"], column) for column in (0, 1, 2, 6))
    print(f"## This build beside an earlier one: 64 connections, 100 B answers, {len(builds['cortex'])} rounds\n")
    print("| | req/s | p50 ms | p99 ms | processor time per request, us | errors |")
    print("|---|---|---|---|---|---|")
    for name, runs in builds.items():
        print(f"| {name} | {median(run[0] for run in runs):,.0f} | {median(run[1] for run in runs):.2f} | "
              f"{median(run[2] for run in runs):.2f} | {median(run[6] for run in runs):.1f} | {sum(run[3] for run in runs):.0f} |")
    print(f"\nRatios: req/s {speed:.3f}, p50 {middle:.3f}, p99 {tail:.3f}, processor time {work:.3f}.\n")
    return [f"- Beside the earlier build: {speed:.3f} of its throughput (mark: at least 0.97): {'met' if speed >= 0.97 else 'MISSED'}"]


def splitters(paths):
    """The same API by its own address and through splitters; processor time per request, as throughput tells less."""
    print(f"## The same API through splitters: 64 connections, 100 B answers, {len(paths['cortex'])} rounds\n")
    print("| | req/s | p50 ms | p99 ms | processor time per request, us | x own address | errors |")
    print("|---|---|---|---|---|---|---|")
    titles = {"cortex": "own address", "single": "splitter of one target", "splitter": "splitter of two targets", "sticky": "the same, sticky", "shadow": "the same, all copied to a shadow"}
    for path, title in ((path, title) for path, title in titles.items() if path in paths):
        runs = paths[path]
        print(f"| {title} | {median(run[0] for run in runs):,.0f} | {median(run[1] for run in runs):.2f} | {median(run[2] for run in runs):.2f} | "
              f"{median(run[6] for run in runs):.1f} | {ratio(runs, paths['cortex'], 6):.3f} | {sum(run[3] for run in runs):.0f} |")
    print()
    cost = ratio(paths["splitter"], paths["cortex"], 6)
    return [f"- a splitter: {cost:.3f} times the processor time per request (mark: at most 1.05): {'met' if cost <= 1.05 else 'MISSED'}"]


def ratio(ours, theirs, column):
    return median(a[column] / b[column] for a, b in zip(ours, theirs))


main(*sys.argv[1:])
