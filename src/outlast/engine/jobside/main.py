"""The life of a job process: hold the lock, say hello, run jobs one after another, leave."""

import fcntl
import functools
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from outlast.core.errors import ClaimLost
from outlast.engine.jobside import current, target
from outlast.engine.jobside.channel import Channel, SupervisorGone
from outlast.engine.jobside.courtesy import give_way
from outlast.engine.jobside.leftovers import Surroundings, end_children, still_at_work
from outlast.engine.jobside.run import run_job
from outlast.engine.jobside.target import code_is_stale, remember_code
from outlast.engine.jobside.turnstile import Turnstile
from outlast.engine.launch import Launch

HIGH_DESCRIPTOR, OUR_DESCRIPTORS = 200, 6
"""Our own descriptors lie from here on, out of the way of a job that counts on low numbers; where a process may have
fewer, they are the last."""


def main() -> None:
    """Live as the environment says."""
    boot = json.loads(os.environ.pop("OUTLAST_BOOT"))
    get_ready(boot)
    live(boot)


def get_ready(boot: dict[str, Any]) -> None:
    """Do what a forked process inherits."""
    os.umask(boot["umask"])
    give_way()
    sys.argv = ["outlast-job"]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    target.remembers = not boot["once"]


def live(boot: dict[str, Any]) -> None:
    """Run jobs until the supervisor says exit, or is gone; ends the process without running exit handlers."""
    _adopt_orphans()
    turnstile = Turnstile(_open_high(boot["lock"]))
    channel = Channel(socket_path=boot["socket"], process_id=boot["process"], launch=Launch(**boot["launch"]))
    current.channel = channel
    try:
        channel.open()
        _serve(channel, boot, turnstile)
    except (SupervisorGone, ClaimLost):
        pass  # the lock file stays: it tells the next supervisor what has begun here
    os._exit(0)


def _serve(channel: Channel, boot: dict[str, Any], turnstile: Turnstile) -> None:
    idle_output = _raised(1), _raised(2)
    surroundings: Surroundings | None = None
    while (message := channel.next_message())["op"] == "run":
        if not turnstile.is_ours():
            return
        if not turnstile.begin(message["n"], message["job"], message["attempt"]):
            continue
        channel.begin(message["n"], message["job"], message["attempt"])
        if code_is_stale():
            channel.finish({"op": "finish", "outcome": "stale", "clean": False, "ms": 0.0}, is_last=True)
            return
        began = monotonic()
        surroundings = surroundings or (None if boot["once"] else Surroundings.now())
        _output_to(message)
        outcome = run_job(channel, message)
        remember_code()
        left = still_at_work() if surroundings is None else surroundings.left_behind()
        if not left and surroundings is not None:
            _restore_output(idle_output)
        if not left:
            _remove_empty(message["log"])
        milliseconds = round((monotonic() - began) * 1000, 3)
        end = {"op": "finish", "outcome": outcome.word, "clean": not left, "left": left, "ms": milliseconds}
        is_last = bool(left) or boot["once"]
        channel.finish({**end, **outcome.fields}, is_last=is_last)
        if "processes" in left:
            end_children()
        channel.job = None
        if is_last:
            return


def _output_to(message: dict[str, Any]) -> None:
    """Send stdout and stderr to the job's log; a later attempt begins with a line of its own."""
    try:
        log = os.open(message["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:  # the work matters more than its log
        sys.stderr.write(f"{message['log']}: {error.strerror}. What the job prints follows here.\n")
        sys.stderr.flush()
        return
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    if message["attempt"] > 1:
        os.write(1, f"== attempt {message['attempt']} ==\n".encode())


def _restore_output(idle_output: tuple[int, ...]) -> None:
    os.dup2(idle_output[0], 1)
    os.dup2(idle_output[1], 2)


def _remove_empty(log: str) -> None:
    with suppress(FileNotFoundError):  # the next job may be ours already: it must not pay for a log that was removed
        if os.stat(log).st_size == 0:
            os.unlink(log)


def _open_high(path: str) -> int:
    """Return a descriptor of the lock file, out of the job's way. It is opened once and never closed."""
    low = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    high = _raised(low)
    os.close(low)
    return high


def _raised(descriptor: int) -> int:
    """Return a copy of a descriptor that lies high."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, min(HIGH_DESCRIPTOR, most - OUR_DESCRIPTORS))


def _adopt_orphans() -> None:
    """Become the parent of orphaned grandchildren, so that nothing a job started is lost sight of (Linux)."""
    if sys.platform == "linux":
        prctl()(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, linux/prctl.h


@functools.cache
def prctl() -> Callable[..., int]:
    """Return the system call prctl(2)."""
    import ctypes

    found: Callable[..., int] = ctypes.CDLL(None).prctl
    return found
