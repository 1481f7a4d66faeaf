"""Jobs that ask much of their supervisor."""

import threading
from typing import Any

from outlast import Context, Outlast, job
from tests.engine.stubborn import note_pid


@job
def asks_nonsense(method: str, argument: Any) -> str:
    """Call a method with what it cannot take; return the error it meets."""
    with Outlast() as outlast:
        try:
            getattr(outlast, method)(argument)
        except Exception as error:  # noqa: BLE001 - which one it is, is the question
            return f"{type(error).__name__}: {error}"
    return "no error"


@job
def keeps_large_results(ctx: Context, count: int, megabytes: int) -> int:
    sizes = [len(ctx.step(str(number), lambda: "ü" * 500_000 * megabytes)) for number in range(count)]
    ctx.wait(2.1)
    return sum(sizes)


@job(on_interrupt="fail")
def only_once(path: str) -> None:
    note_pid(path)
    threading.Event().wait()


@job
def many_times(path: str) -> None:
    note_pid(path)
    threading.Event().wait()


@job
def small() -> int:
    return 1
