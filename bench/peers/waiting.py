"""What the scripts of this folder share: waiting for a quiet GPU, taking times, saying what came out."""
import json
import os
import statistics
import sys
import time

import torch


def add_arguments(parser):
    """The two files by which whoever runs other things on the GPU says when it is quiet."""
    parser.add_argument("--ready", help="file that is written when everything is compiled")
    parser.add_argument("--go", help="file whose appearance starts the timing")
    parser.add_argument("--for", dest="runner", type=int, help="process without which nobody will say go")


def for_a_quiet_gpu(args):
    """Returns when the timing may start; without --go at once."""
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    if args.ready:
        with open(args.ready, "w"):
            pass
    while args.go and not os.path.exists(args.go):
        if args.runner and not os.path.exists(f"/proc/{args.runner}"):
            sys.exit("nobody said go")
        time.sleep(0.05)


def median_of_turns(step, turns, steps):
    """Milliseconds of a step, by the wall's clock: median, least and most of so many turns of so many steps."""
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
    """Microseconds of a piece of work on the GPU, by events; the host is ahead, since the GPU first sleeps."""
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
