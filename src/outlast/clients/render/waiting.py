"""What a job says that it waits for, in words."""

import json
from typing import TypeGuard

from outlast.clients.render.progress import number
from outlast.clients.render.times import span
from outlast.core.job import Job
from outlast.core.questions import open_questions

_SECONDS_PER_BLOCK = 5.0
"""The pace of the chain that proofs of work are made for."""


def waiting_words(job: Job) -> str:
    """Return what a job waits for, as it says itself: `age 7 of 10, 3 blocks remaining (about 15s)`."""
    if asked := open_questions(job):
        return " / ".join(f"an answer: {question.text}" for question in asked)
    left = dict(job.waiting_info or {})
    parts = []
    for name in [name for name in left if name.startswith("current_")]:
        what = name.removeprefix("current_")
        target = left.pop(f"target_{what}", None)
        current = left.pop(name)
        of = "" if target is None else f" of {plain_words(target)}"
        parts.append(f"{what.replace('_', ' ')} {plain_words(current)}{of}")
    for name, value in left.items():
        parts.append(_remaining(name, value) or f"{name.replace('_', ' ')} {_told(value)}")
    return ", ".join(parts)


def _remaining(name: str, value: object) -> str:
    if not name.endswith("_remaining") or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    what = name.removesuffix("_remaining").replace("_", " ")
    about = f" (about {span(value * _SECONDS_PER_BLOCK)})" if what == "blocks" and value else ""
    return f"{plain_words(value)} {what} to go{about}"


def _told(value: object) -> str:
    return plain_words(value) if is_plain(value) else json.dumps(value, ensure_ascii=False, default=str)


def is_plain(value: object) -> TypeGuard[str | int | float]:
    """Tell whether a JSON value is a text, a number or a boolean."""
    return isinstance(value, str | int | float)


def plain_words(value: object) -> str:
    """Return a plain value as one would say it: `1,234`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return number(value)
