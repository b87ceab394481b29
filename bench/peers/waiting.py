"""Shared by the scripts in this folder: waiting for an idle GPU, timing, and printing results."""
import json
import os
import statistics
import sys
import time

import torch


def add_arguments(parser):
    """Options for two files through which another process says when the GPU is idle."""
    parser.add_argument("--ready", help="file to write when everything is compiled")
    parser.add_argument("--go", help="file that starts the timing when it appears")
    parser.add_argument("--for", dest="runner", type=int, help="process that writes --go; the script stops if it ends")


def for_a_quiet_gpu(args):
    """Returns when the timing may start; immediately without --go."""
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    if args.ready:
        with open(args.ready, "w"):
            pass
    while args.go and not os.path.exists(args.go):
        if args.runner and not os.path.exists(f"/proc/{args.runner}"):
            sys.exit("the process that writes --go has ended")
        time.sleep(0.05)


def median_of_turns(step, turns, steps):
    """Milliseconds per step by the wall clock: median, minimum and maximum over several turns."""
    for _ in range(3):
        step()
    times = []
    for _ in range(turns):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(steps):
            step()
        torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - start) / steps)
    return statistics.median(times), min(times), max(times)


def median_micros(work, repeats=30):
    """Microseconds of work on the GPU, by events; the host gets ahead while the GPU sleeps first."""
    for _ in range(5):
        work()
    pairs = []
    for _ in range(repeats):
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        torch.cuda._sleep(1_000_000)
        start.record()
        work()
        end.record()
        pairs.append((start, end))
    torch.cuda.synchronize()
    return statistics.median(1e3 * start.elapsed_time(end) for start, end in pairs)


def say(**result):
    """One JSON object, one line."""
    print(json.dumps(result), flush=True)
