"""All the rest of a job: for `show --verbose`, as JSON and as a screen."""

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from outlast.clients.render.jobs import Screen, field_lines
from outlast.clients.render.table import Column, table
from outlast.clients.render.text import visible
from outlast.core.codec import decode
from outlast.core.durations import format_duration
from outlast.core.job import Details, Event, Job, Step
from outlast.core.moments import to_iso

NEWEST_STEPS = 20
NEWEST_EVENTS = 30
"""So many fit a screen; --json has them all."""


def details_object(job: Job, details: Details) -> dict[str, Any]:
    """Return what `--verbose` adds to the job object. Of the environment only names: values may be secrets."""
    spec, home = job.spec, job.spec.home
    return {
        "args": decode(details.args),
        "cursor": None if details.cursor is None else decode(details.cursor),
        "steps": [_step_object(step) for step in details.steps],
        "events": [_event_object(event) for event in details.events],
        "traceback": details.traceback,
        "process": None if details.process is None else details.process._asdict(),
        "code": {
            "target": spec.target,
            "interpreter": home.interpreter,
            "cwd": home.cwd,
            "path": list(home.path),
            "environment": sorted(home.env),
        },
        "policy": spec.policy.as_object(),
    }


def _step_object(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "kind": str(step.kind),
        "result": decode(step.result),
        "duration_ms": step.duration_ms,
        "attempt": step.attempt,
        "saved_at": to_iso(step.saved_at),
    }


def _event_object(event: Event) -> dict[str, Any]:
    return {
        "at": to_iso(event.at),
        "event": event.event,
        "actor": event.actor,
        "attempt": event.attempt,
        "detail": dict(event.detail),
    }


def details_screen(job: Job, details: Details, screen: Screen) -> list[str]:
    """Return the lines that follow the screen of a job."""
    lines = []
    for label, value in _fields(job, details):
        lines += field_lines(label, value, screen)
    lines += _section("Steps", len(details.steps), _step_lines(details.steps[-NEWEST_STEPS:], screen), screen)
    lines += _section("Events", len(details.events), _event_lines(details.events[-NEWEST_EVENTS:], screen), screen)
    if details.traceback:
        trace = [f"  {visible(line)}" for line in details.traceback.rstrip().split("\n")]
        lines += ["", screen.paint("Traceback", "bold"), *trace]
    return lines


def _fields(job: Job, details: Details) -> Iterator[tuple[str, str]]:
    spec = job.spec
    yield "arguments", _call(details.args)
    if details.cursor is not None:
        yield "cursor", details.cursor
    yield "code", spec.target or "not known (imported)"
    yield "python", spec.home.interpreter
    yield "directory", spec.home.cwd
    if spec.home.env:
        yield "variables", " ".join(sorted(spec.home.env))
    if details.process is not None:
        yield "process", f"pid {details.process.pid}, {details.process.id}"


def command_line(details: Details) -> str:
    """Return what a shell command was started with, as a shell reads it; nothing if these are no such arguments."""
    try:
        return shlex.join(decode(details.args)["kwargs"]["argv"])
    except (KeyError, TypeError):
        return ""


def _call(args: str) -> str:
    """Return stored arguments as one would type a call: `(1, name="x")`, values as JSON."""
    stored = decode(args)
    if not isinstance(stored, dict):
        return args
    positional = [json.dumps(value, ensure_ascii=False) for value in stored.get("args", [])]
    named = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in stored.get("kwargs", {}).items()]
    return f"({', '.join([*positional, *named])})"


def _section(title: str, count: int, lines: Sequence[str], screen: Screen) -> list[str]:
    if not count:
        return []
    shown = len(lines) - 1
    head = f"{title}: the newest {shown} of {count:,}" if shown < count else title
    return ["", screen.paint(head, "bold"), *(f"  {line}" for line in lines)]


def _step_lines(steps: Sequence[Step], screen: Screen) -> list[str]:
    columns = (
        Column(heading="STEP", least=12, gives_way=2),
        Column(heading="KIND", gives_way=9),
        Column(heading="TOOK", gives_way=9, right=True),
        Column(heading="RESULT", least=8, gives_way=1),
    )
    rows = [
        (visible(step.name), str(step.kind), format_duration(step.duration_ms / 1000), visible(step.result[:200]))
        for step in steps
    ]
    return table(columns, rows, screen.width - 2)


def _event_lines(events: Sequence[Event], screen: Screen) -> list[str]:
    columns = (
        Column(heading="TIME (UTC)", gives_way=9),
        Column(heading="EVENT", gives_way=8),
        Column(heading="ATTEMPT", gives_way=9, right=True),
        Column(heading="BY", least=8, gives_way=2),
        Column(heading="DETAIL", least=8, gives_way=1),
    )
    rows = [
        (
            to_iso(event.at)[:19].replace("T", " "),
            visible(event.event),
            str(event.attempt or ""),
            visible(event.actor),
            visible(" ".join(f"{name}={value}" for name, value in event.detail.items())),
        )
        for event in events
    ]
    return table(columns, rows, screen.width - 2)
