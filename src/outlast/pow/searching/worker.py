"""A process that carries out orders: lines on its standard input, a report for each on its standard output.

The first line is the prefix and the way to search. When the input ends, so does the process, at once: nobody is there
to report to.
"""

import json
import os
import signal
import threading
from queue import SimpleQueue

from outlast import OutlastError
from outlast.pow.searching.orders import Order, carry_out
from outlast.pow.searching.search import open_searcher


def main() -> None:
    """Carry out orders until the input ends; ends the process. An OutlastError is reported, as the last line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is meant for who gives the orders
    reports = os.dup(1)
    os.dup2(2, 1)
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    try:
        _serve(lines, reports)
    except OutlastError as error:
        os.write(reports, json.dumps({"message": error.message, "fix": error.fix}).encode() + b"\n")
    except BrokenPipeError:
        pass
    os._exit(0)


def _serve(lines: "SimpleQueue[bytes]", reports: int) -> None:
    prefix, choice = json.loads(lines.get())
    searcher = open_searcher(bytes.fromhex(prefix), choice)
    while True:
        os.write(reports, carry_out(Order.from_line(lines.get()), searcher).as_line())


def _read(lines: "SimpleQueue[bytes]") -> None:
    """Hand on every line; the end of the input, or of whoever held its other end, ends the process."""
    with open(0, "rb") as orders:
        for line in orders:
            lines.put(line)
    os._exit(0)
