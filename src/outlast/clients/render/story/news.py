"""What is worth telling at once to somebody who follows a job: deaths, tries, wishes, and from where it goes on."""

from collections.abc import Sequence

from outlast.clients.render.story.past import past_of
from outlast.clients.render.story.values import Entry
from outlast.core.job import Details, Job

_TOLD = frozenset(
    {
        "crashed",
        "put_back",
        "retrying",
        "timed_out",
        "paused",
        "resumed",
        "retried",
        "cancel asked",
        "pause asked",
        "difficulty",
    }
)
"""Ends are told as ends; a wait, and what comes after it, is told by the status."""
_BEGINS = "claimed"
_QUIETLY = frozenset({"submitted", "imported", "waiting"})
"""What an attempt may follow without a word."""


def news_since(job: Job, details: Details, seen: int) -> tuple[list[str], int]:
    """Return what happened since the `seen` first entries of the story, and how many it has now."""
    entries = past_of(job, details)
    return [entry.text for n, entry in enumerate(entries) if n >= seen and _is_news(entries, n)], len(entries)


def _is_news(entries: Sequence[Entry], place: int) -> bool:
    entry = entries[place]
    if entry.event == _BEGINS:
        return place > 0 and entries[place - 1].event not in _QUIETLY
    return entry.event in _TOLD
