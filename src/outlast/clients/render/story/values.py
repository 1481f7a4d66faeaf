"""What a story is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from outlast.core.moments import Moment, to_iso


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened, in a sentence or two. `event` is its word in the job's history.

    What happened `times` times in a row is one entry, from `at` until `until`. The text holds what jobs and users
    wrote, as it is: make it harmless before it is shown. Entries with the same `like` tell the same once more.
    """

    at: Moment
    text: str
    event: str
    attempt: int = 0
    times: int = 1
    until: Moment | None = None
    like: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A next step: what to type (None: nothing that could be typed), and what it does."""

    command: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All of it: the past, the present in sentences, and what to do next, the likeliest first."""

    job_id: str
    status: str
    past: Sequence[Entry]
    now: Sequence[str]
    next: Sequence[Advice]


def story_object(story: Story) -> dict[str, Any]:
    """Return the story as JSON."""
    return {
        "job_id": story.job_id,
        "status": story.status,
        "story": [_entry_object(entry) for entry in story.past],
        "now": " ".join(story.now),
        "next": [{"command": advice.command, "why": advice.why} for advice in story.next],
    }


def _entry_object(entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {
        "at": to_iso(entry.at),
        "event": entry.event,
        "attempt": entry.attempt,
        "text": entry.text,
    }
    if entry.until is not None:
        told |= {"times": entry.times, "until": to_iso(entry.until)}
    return told
