"""Jobs that do to their process, their output and their results what no job should."""

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from outlast import Context, JobCancelled, job
from tests.engine.stubborn import note_pid

LONG_SECONDS = 1_000


def look_around() -> dict[str, Any]:
    """Return what a job could have changed for the next one, but for what differs between processes."""
    environment = {name: value for name, value in os.environ.items() if name != "OUTLAST_PROCESS_ID"}
    umask = os.umask(0o022)
    os.umask(umask)
    return {
        "cwd": os.getcwd(),
        "umask": umask,
        "environment": environment,
        "path": sys.path,
        "timezone": time.tzname,
        "handlers": [str(signal.getsignal(number)).partition(" at ")[0] for number in signal.valid_signals()],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "timers": [signal.getitimer(which) for which in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL)],
        "threads": [thread.name for thread in threading.enumerate()],
        "descriptors": sorted(os.listdir("/proc/self/fd"), key=int),
        "limits": [resource.getrlimit(what) for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)],
        "recursion": sys.getrecursionlimit(),
        "streams": [stream is not None and stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "children": Path("/proc/self/task", str(os.getpid()), "children").read_text(),
    }


@job
def linger(sign: str) -> str:
    """Stay until the file `sign` stands."""
    while not os.path.exists(sign):
        threading.Event().wait(0.005)
    return "stayed"


# Ends that are no return and no exception.


@job
def exits(code: int) -> None:
    os._exit(code)


@job(max_crashes=1)
def dies_of(number: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.kill(os.getpid(), number)


@job(max_crashes=1)
def reads_address_zero() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(0)


@job(max_crashes=1)
def becomes_another_program(code: int) -> None:
    os.execv("/bin/sh", ["sh", "-c", f"exit {code}"])


@job
def raises(what: str, *args: Any) -> None:
    """Raise an exception by name; the namespaces are builtins and this module."""
    kind = globals().get(what) or getattr(__import__("builtins"), what)
    raise kind(*args)


class CannotTell(Exception):
    def __str__(self) -> str:
        raise ValueError("nor this")

    __repr__ = __str__


class OwnBase(BaseException):
    """A way out that `except Exception` does not see."""


@job
def raises_odd_text() -> None:
    raise ValueError("a\0b\x1b[31m\n\ud83d")


@job
def raises_a_group() -> None:
    raise ExceptionGroup("two at once", [ValueError("one"), KeyError("two")])


@job
def recurses() -> None:
    recurses.fn()


@job
def asks_for_all_memory() -> None:
    bytearray(1 << 62)


@job
def raises_cancelled() -> None:
    raise JobCancelled("of its own will")


@job
def reads_stdin() -> str:
    return input()


# Changes of the process that the next job would see.


@job
def changes_directory() -> None:
    os.chdir("/")


@job
def changes_umask() -> None:
    os.umask(0o777)


@job
def changes_environment() -> None:
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()
    os.environ.pop("PATH")


@job
def changes_path() -> None:
    sys.path.insert(0, "/nowhere")


@job
def changes_handlers() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)


@job
def changes_another_handler() -> None:
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)


@job
def blocks_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


@job
def sets_an_alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, LONG_SECONDS)


@job
def leaves_a_thread() -> None:
    threading.Thread(target=threading.Event().wait).start()


@job
def leaves_a_descriptor() -> None:
    os.dup(1)


@job
def lowers_its_limits() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))


@job
def replaces_stdout() -> None:
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - left open, that is the point


@job
def ruins_sys() -> None:
    sys.path = None  # type: ignore[assignment]
    sys.stdout = sys.stderr = 5
    os.environ = None  # type: ignore[assignment]  # noqa: B003 - that it does not is the point


@job
def closes_stdout() -> None:
    sys.stdout.close()


@job
def raises_the_recursion_limit() -> None:
    sys.setrecursionlimit(5_000)


# Descriptors and output.


@job
def closes_everything(directory: str, sign: str = "", error: str = "") -> list[int]:
    os.closerange(0, 256)
    opened = [os.open(f"{directory}/{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND) for number in range(8)]
    for descriptor in opened:
        os.write(descriptor, b"ours\n")
    note_pid(f"{directory}/pids")
    if sign:
        linger.fn(sign)
    if error:
        raise ValueError(error)
    return opened


@job
def prints_for_ever(megabytes: int) -> None:
    for _ in range(megabytes):
        sys.stdout.write("x" * 1_000_000)


@job
def removes_its_log(log: str) -> None:
    os.unlink(log)


# Progress, results, steps.


@job
def reports_a_million_times(ctx: Context) -> None:
    for number in range(1_000_000):
        ctx.progress(number + 1, 1_000_000)


@job
def reports_nonsense(ctx: Context) -> None:
    ctx.progress(150, 100, "too much")
    for number in (float("nan"), float("inf"), 10**400, 10**5_000, True, "many"):
        ctx.progress(number, number)  # type: ignore[arg-type]


class Evil(list[int]):
    def __iter__(self) -> Iterator[int]:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("never")


def strange(what: str) -> Any:
    """Return a value that JSON cannot hold."""
    ring: list[Any] = []
    ring.append(ring)
    return {
        "set": {1},
        "bytes": b"\xff",
        "nan": [1.0, float("nan")],
        "key": {1: 2},
        "ring": ring,
        "surrogate": "\ud800",
        "object": object(),
        "generator": (character for character in ""),
        "huge": "x" * (16 * 1024 * 1024 + 1),
        "long": 10**5_000,
        "evil": Evil([1]),
    }[what]


@job
def returns(what: str) -> Any:
    return strange(what)


@job
def keeps(ctx: Context, what: str) -> None:
    ctx.step("odd", strange, what)


@job
def saves_what_cannot_be_saved(ctx: Context, what: str) -> str:
    ctx.checkpoint(strange(what))
    return "worked for hours"
