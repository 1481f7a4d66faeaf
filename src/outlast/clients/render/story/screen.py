"""A story on a terminal."""

from collections.abc import Iterator, Sequence

from outlast.clients.render.jobs import Screen
from outlast.clients.render.story.values import Advice, Entry, Story
from outlast.clients.render.text import pad, visible, width_of, wrap
from outlast.core.job import Job
from outlast.core.moments import to_iso

NEWEST_ENTRIES = 40
"""So much of the past fits a screen or two; --json has all of it."""
_CLOCK_WIDTH = len("  22:13:20  ")
_LEAST_WHY_WIDTH = 24


def story_screen(job: Job, story: Story, screen: Screen) -> list[str]:
    """Return the lines of a story: the past by days, the present, what to do next."""
    lines = [screen.paint(line, "bold") for line in wrap(visible(job.id), screen.width)]
    lines += _past(story.past, screen)
    now = " ".join(story.now)
    lines += ["", screen.paint("Now", "bold"), *(f"  {line}" for line in wrap(visible(now), screen.width - 2))]
    if story.next:
        lines += ["", screen.paint("Next", "bold"), *_next(story.next, screen)]
    return lines


def _past(entries: Sequence[Entry], screen: Screen) -> Iterator[str]:
    left_out = len(entries) - NEWEST_ENTRIES
    if left_out > 0:
        yield screen.paint(f"  ({left_out:,} earlier entries: --json)", "dim")
    day = ""
    for entry in entries[-NEWEST_ENTRIES:]:
        iso = to_iso(entry.at)
        if iso[:10] != day:
            day = iso[:10]
            yield from ("", screen.paint(f"{day} (UTC)", "bold"))
        first, *rest = wrap(visible(entry.text), screen.width - _CLOCK_WIDTH)
        yield f"  {screen.paint(iso[11:19], 'dim')}  {first}"
        yield from (" " * _CLOCK_WIDTH + line for line in rest)


def _next(advice: Sequence[Advice], screen: Screen) -> Iterator[str]:
    widths = [width_of(each.command) for each in advice if each.command is not None]
    room = max(widths, default=0)
    beside = screen.width - room - 4
    for each in advice:
        if each.command is None:
            yield from (f"  {line}" for line in wrap(each.why, screen.width - 2))
        elif beside < _LEAST_WHY_WIDTH:
            yield from (f"  {each.command}", *(f"    {line}" for line in wrap(each.why, screen.width - 4)))
        else:
            first, *rest = wrap(each.why, beside)
            yield f"  {screen.paint(pad(each.command, room), 'cyan')}  {first}"
            yield from (" " * (room + 4) + line for line in rest)
