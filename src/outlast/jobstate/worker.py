"""One account of a run, in a process of its own: python -m outlast.jobstate.worker EVENTS

The order is a line of JSON on stdin. A line of JSON goes to the descriptor EVENTS for each thing that happens. The
process ends when stdin does: then whoever started it is dead.
"""

import inspect
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from outlast.core.errors import AlreadyClaimed, AlreadyDone, OutlastError
from outlast.jobstate.checklist import Checklist, error_text
from outlast.jobstate.ending import GRACE_SECONDS, STOPPED
from outlast.jobstate.loading import load
from outlast.jobstate.state import JobState


class Stopped(BaseException):
    """The run is to end; what is being done is left undone."""


def main() -> NoReturn:
    """Do the account's activities and leave."""
    events = int(sys.argv[1])
    os.set_inheritable(events, False)
    orders = os.fdopen(os.dup(0), "rb")
    _give_stdin_to_nobody()
    order = json.loads(orders.readline())
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run says when to stop
    threading.Thread(target=_end_with, args=(orders,), daemon=True).start()
    code = 1
    try:
        _work(order, lambda **event: _tell(events, event))
        code = 0
    except Stopped:
        code = STOPPED
    except OutlastError as error:
        _tell(events, {"event": "refused", "text": error.message, "fix": error.fix})
    except BrokenPipeError:
        pass
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _work(order: dict[str, Any], tell: Callable[..., None]) -> None:
    sys.path[:0] = [entry for entry in order["path"] if entry not in sys.path]
    state = JobState(dir=order["dir"], cluster=order["cluster"], timezone=order["timezone"], enabled=True)
    function = _load(order["target"])
    checklist = state.open(order["account"], order["type"], order["activities"], order["date"])
    todo = order["todo"]
    if todo is None:
        todo = _chosen(checklist, order["only"])
    tell(event="todo", activities=todo)
    for name in todo:
        _do(checklist, name, function, tell)
    tell(event="end")


def _load(target: str) -> Callable[..., Any]:
    try:
        return load(target)
    except (OutlastError, Stopped):
        raise
    except BaseException as error:  # noqa: BLE001 - a module may raise anything, SystemExit included
        raise OutlastError(
            f"{target.rpartition(':')[0]} cannot be imported: {error_text(error)}.", "Correct it first."
        ) from None


def _chosen(checklist: Checklist, only: str) -> list[str]:
    if only == "failed":
        failed = checklist.failed
        return [name for name in checklist.remaining if name in failed]
    return checklist.remaining


def _do(checklist: Checklist, name: str, function: Callable[..., Any], tell: Callable[..., None]) -> None:
    try:
        with checklist.activity(name):
            tell(event="begin", activity=name)
            _call(function, checklist.account, name)
    except AlreadyDone:
        tell(event="complete", activity=name)
    except AlreadyClaimed as error:
        tell(event="held", activity=name, text=error.message)
    except Exception as error:  # noqa: BLE001 - the activity's own; it is noted in the checklist
        tell(event="fail", activity=name, text=error_text(error))
    else:
        tell(event="complete", activity=name)


def _call(function: Callable[..., Any], account: str, name: str) -> None:
    try:
        value = function(account, name)
        if inspect.iscoroutine(value):
            import asyncio

            asyncio.run(value)
    except SystemExit as error:
        raise RuntimeError(f"it called sys.exit({error.code!r:.60})") from None


def _tell(events: int, event: dict[str, Any]) -> None:
    os.write(events, json.dumps(event).encode() + b"\n")


def _give_stdin_to_nobody() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _stop(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def _end_with(orders: Any) -> None:
    """End this process when the other end of stdin is gone, politely first."""
    orders.read()
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os._exit(STOPPED)


if __name__ == "__main__":
    main()
