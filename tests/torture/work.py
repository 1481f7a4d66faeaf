"""The job under torture. It keeps its own record of what happened, outside the product.

One file a job, one short O_APPEND write a line: `word job step attempt pid ticks`. The words: `begin` (an attempt),
`in` (inside a step), `did` (the step's effect), `saved` (the step was acknowledged), `end`, and `overlap` if the
process of an earlier attempt still lives.
"""

import os
import threading

from outlast import Context, job
from tests import processes


class Diary:
    """The record of one job."""

    def __init__(self, directory: str, number: str, attempt: int) -> None:
        self._path = os.path.join(directory, number)
        self._number = number
        self._attempt = attempt
        me = processes.seen(os.getpid())
        assert me is not None
        self._me = me

    def write(self, word: str, step: str = "-") -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        line = f"{word} {self._number} {step} {self._attempt} {self._me.pid} {self._me.ticks}\n"
        os.write(descriptor, line.encode())
        os.close(descriptor)

    def begin(self) -> None:
        """Write the first line of an attempt, after a look at who wrote the lines above."""
        lives = [process for process in self._earlier() if process != self._me and process.is_alive]
        self.write("overlap" if lives else "begin")

    def _earlier(self) -> set[processes.Seen]:
        if not os.path.exists(self._path):
            return set()
        with open(self._path, encoding="ascii") as file:
            rows = [line.split() for line in file]
        ended = {(row[4], row[5]) for row in rows if row[0] == "end"}
        return {processes.Seen(int(row[4]), int(row[5])) for row in rows if (row[4], row[5]) not in ended}


@job
def work(ctx: Context, directory: str, number: str, milliseconds: list[int]) -> dict[str, object]:
    """Do one step for each of `milliseconds`; return what can be checked."""
    diary = Diary(directory, number, ctx.attempt)
    diary.begin()
    done = []
    for step, duration in enumerate(milliseconds):
        done.append(ctx.step(f"step {step}", one_step, diary, str(step), duration / 1000))
        diary.write("saved", str(step))
    diary.write("end")
    return {"job": number, "steps": done}


@job
def dash(ctx: Context, directory: str, number: str) -> dict[str, object]:
    """Do next to nothing, so that many are handed to a process ahead of time."""
    diary = Diary(directory, number, ctx.attempt)
    diary.begin()
    diary.write("did", "0")
    diary.write("end")
    return {"job": number, "steps": []}


def one_step(diary: Diary, step: str, seconds: float) -> str:
    diary.write("in", step)
    threading.Event().wait(seconds)
    diary.write("did", step)
    # A kill in here repeats the step: its effect is done, and nobody has been told.
    threading.Event().wait(seconds)
    return f"result of {step}"
