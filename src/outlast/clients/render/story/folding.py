"""What repeats itself is told once: a job that polls for days has thousands of events and a short story."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from outlast.clients.render.story.values import Entry

LEAST_FOLDED = 4
"""So many times in a row the same, and all but the first and the last of them become one entry."""


def folded(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries with each longer run of like attempts told by its first, a summary, and its last."""
    told: list[Entry] = []
    for run in _runs(_rounds(entries)):
        if len(run) < LEAST_FOLDED:
            told += [entry for each in run for entry in each]
        else:
            told += [*run[0], _summary(run[1:-1]), *run[-1]]
    return told


Round = tuple[Entry, ...]
"""An attempt from its beginning to its end, or a single other entry."""


def _rounds(entries: Sequence[Entry]) -> Iterator[Round]:
    place = 0
    while place < len(entries):
        pair = entries[place : place + 2]
        size = 2 if len(pair) == 2 and pair[0].event == "claimed" and pair[1].attempt == pair[0].attempt else 1
        yield tuple(entries[place : place + size])
        place += size


def _runs(rounds: Iterator[Round]) -> Iterator[list[Round]]:
    run: list[Round] = []
    for each in rounds:
        if run and _sign(run[-1]) != _sign(each):
            yield run
            run = []
        run.append(each)
    if run:
        yield run


def _sign(each: Round) -> object:
    """Return what two rounds have in common if they are the same once more; a single entry is like no other."""
    return each[0] if len(each) == 1 else each[1].like


def _summary(rounds: Sequence[Round]) -> Entry:
    first, last = rounds[0][0], rounds[-1][-1]
    count = len(rounds)
    if last.event == "waiting":
        text = f"It looked {count:,} more times, and waited again."
    else:
        text = f"The same happened {count:,} more times."
    return replace(first, text=text, event=last.event, attempt=last.attempt, times=count, until=last.at)
