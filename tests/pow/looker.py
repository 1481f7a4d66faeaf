"""Processes that look at the height, all at once: URL CACHE_DIR PATIENCE_SECONDS PROCESSES.

The first says `ready` and waits for a line. Then each looks, and prints what it saw as one line of JSON.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from outlast.pow.chain.heights import Heights, open_heights


def main() -> None:
    """Do what the module says; with one process, in this one."""
    url, cache_dir, patience, processes = sys.argv[1:]
    heights = open_heights(database_url=None, api_url=url, cache_dir=Path(cache_dir), patience_seconds=float(patience))
    word, say = os.pipe()
    children = [fork(heights, word, say) for _ in range(int(processes) - 1)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    os.close(say)
    look(heights)
    sys.exit(max((os.waitpid(child, 0)[1] for child in children), default=0))


def fork(heights: Heights, word: int, say: int) -> int:
    """Start a process that looks as soon as nobody can say anything more; return its pid."""
    pid = os.fork()
    if pid == 0:
        os.close(say)
        os.read(word, 1)
        look(heights)
        os._exit(0)
    return pid


def look(heights: Heights) -> None:
    """Look, and say what was seen in one write."""
    os.write(1, json.dumps(asdict(heights.look())).encode() + b"\n")


if __name__ == "__main__":
    main()
