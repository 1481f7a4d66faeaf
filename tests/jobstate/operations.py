"""What is struck at every file-system call: the changes of a checklist that promise something."""

import json
import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from outlast import Checklist, JobState
from outlast.jobstate import late
from tests.faults.striker import Operation
from tests.jobstate.places import ACCOUNT, DAY, NAMES, TYPE, json_path

logging.getLogger("outlast.jobstate").setLevel(logging.CRITICAL)
Act = Callable[[Path, Callable[[], None]], None]


def opened(directory: Path) -> Checklist:
    return JobState(dir=directory, timezone="UTC").open(ACCOUNT, TYPE, NAMES, DAY)


def with_one_done(directory: Path) -> None:
    opened(directory).complete(NAMES[0])


def with_an_old_json(directory: Path) -> None:
    path = json_path(directory)
    path.parent.mkdir(parents=True)
    old = {"date": DAY, "account": ACCOUNT, "type": TYPE, "completed": NAMES[:1], "remaining": NAMES[1:]}
    path.write_text(json.dumps({**old, "lastUpdate": "2025-09-20T06:00:00.000Z"}))


def changing(change: Callable[[Checklist, Path], object]) -> Act:
    """Return an act: open the checklist, change it, promise it, and rewrite what is late."""

    def act(directory: Path, acknowledge: Callable[[], None]) -> None:
        change(opened(directory), directory)
        acknowledge()
        late.rewrite_now()

    return act


def look(before: list[str], after: list[str], directory: Path) -> str:
    """Tell which of the two the next run finds; it must go on from there, and what people see is JSON all the time."""
    shown = _shown(directory)
    if "?" in shown:
        return shown
    checklist = opened(directory)
    found = checklist.completed
    if found not in (before, after):
        return f"found {found}"
    list(checklist.each())
    if sorted(json.loads(json_path(directory).read_bytes())["completed"]) != sorted(NAMES):
        return "it does not go on"
    return "before" if found == before else "after"


def look_at_first(directory: Path) -> str:
    """The same for a checklist that may not be there yet."""
    was_there = json_path(directory).exists()
    found = look([], [], directory)
    return found if found != "before" else "after" if was_there else "before"


def _shown(directory: Path) -> str:
    """Return what is wrong with the JSON as a person sees it now, with a question mark; a missing one is none."""
    if not json_path(directory).exists():
        return ""
    try:
        shown = json.loads(json_path(directory).read_bytes())
    except ValueError as error:
        return f"JSON? {error}"
    return "" if set(shown["completed"]) | set(shown["remaining"]) == set(NAMES) else f"JSON? {shown}"


def do_the_second(checklist: Checklist, _: Path) -> None:
    with checklist.activity(NAMES[1]):
        pass


def forget_the_first(checklist: Checklist, directory: Path) -> None:
    del checklist
    JobState(dir=directory, timezone="UTC").reset(ACCOUNT, TYPE, DAY, NAMES[0])


def forget_all(checklist: Checklist, directory: Path) -> None:
    del checklist
    JobState(dir=directory, timezone="UTC").reset(ACCOUNT, TYPE, DAY)


def prune(checklist: Checklist, directory: Path) -> None:
    del checklist
    JobState(dir=directory, timezone="UTC").prune("2025-09-21")


def open_first(directory: Path, acknowledge: Callable[[], None]) -> None:
    opened(directory)
    acknowledge()


def promise_too_early(directory: Path, acknowledge: Callable[[], None]) -> None:
    checklist = opened(directory)
    acknowledge()
    checklist.complete(NAMES[1])


def write_in_place(directory: Path, acknowledge: Callable[[], None]) -> None:
    """Planted: rewrite the JSON without a temporary file, in two writes."""
    text = json_path(directory).read_bytes()
    descriptor = os.open(json_path(directory), os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, text[:40])
    os.write(descriptor, text[40:])
    os.close(descriptor)
    acknowledge()


ONE, TWO = NAMES[:1], NAMES[:2]
first_open = Operation(prepare=lambda _: None, act=open_first, look=look_at_first)
complete = Operation(
    prepare=with_one_done,
    act=changing(lambda checklist, _: checklist.complete(NAMES[1])),
    look=partial(look, ONE, TWO),
)
first_complete = Operation(
    prepare=lambda _: None,
    act=changing(lambda checklist, _: checklist.complete(NAMES[0])),
    look=partial(look, [], ONE),
)
activity = Operation(prepare=with_one_done, act=changing(do_the_second), look=partial(look, ONE, TWO))
take_over = Operation(
    prepare=with_an_old_json,
    act=changing(lambda checklist, _: checklist.complete(NAMES[1])),
    look=partial(look, ONE, TWO),
)
undo = Operation(prepare=with_one_done, act=changing(forget_the_first), look=partial(look, ONE, []))
reset = Operation(prepare=with_one_done, act=changing(forget_all), look=partial(look, ONE, []))
pruning = Operation(prepare=with_one_done, act=changing(prune), look=partial(look, ONE, []))
promises_too_early = Operation(prepare=with_one_done, act=promise_too_early, look=partial(look, ONE, TWO))
writes_in_place = Operation(prepare=with_one_done, act=write_in_place, look=partial(look, ONE, ONE))
