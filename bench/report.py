"""What `./run bench` has found, as a table for the terminal, a page and a chart."""

import platform
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from bench.verdict import Row, markdown_table

if TYPE_CHECKING:
    from bench.suite import Measured

HEAD = """\
# Benchmarks

<!-- Made by `./run bench --write` (bench/report.py). Do not edit: change that, then run it. -->

The same work given to Outlast and to what else there is, in the same run, on the same disk. Every round measures
everybody once, one after the other; the figures are medians of {rounds} rounds. The machine is shared: **compare
figures of this page with each other, not with those of another machine.**

```sh
./run bench --write      # needs gcc and, for three of the peers, redis-server; about an hour
```

"""
READING = """
* *accept*: no-op jobs submitted one by one by one client, while nobody works, until each was accepted.
* *overall*: {jobs} no-op jobs, or what six seconds allow, submitted one by one and run by two worker processes, until
  the last has run.
* *result*: from submitting a job to having its result, one job at a time, everything warm; 200 of them, or what six
  seconds allow.
* *steps*: what comes nearest to a step that is kept before the next begins, in one job.
* *flushes*: how often the disk is flushed (fsync, fdatasync) by the client and its server for each accepted job,
  counted by a library that is loaded before the C library. –: none was seen, which tells nothing of PostgreSQL, whose
  server is not started with that library.
* *disk*: appends of 4 KiB with fdatasync in the same minutes, the median over all: {probe:,.0f} a second.

Every peer is set as its documents advise for durability, polling tuned to milliseconds where it polls:

{settings}

"""
STRUCK = """
## What random kills leave

A client submits jobs of five steps all the time and remembers which were accepted. {kills} times a worker or one of its
processes is killed with SIGKILL, and what died is started again at once; the next kill comes at a random moment after a
process that is new has begun a step. Every job writes into a file outside which step began and which was done; the
verdict is read from that file alone, once all have ended or a minute after the last kill.

{table}

* *lost*: accepted, and not ended by then. Procrastinate leaves the jobs of a worker that died to a task of one's own,
  which is not part of this. *redone*: steps that ran to their end again; one for each kill is a fair price.
  *twice*: jobs that two processes ran at the same time. *after*: jobs that ran again after their end.
* `./run bench --only dbos,huey --rounds 1 --kills {kills}` repeats two rows; the moments are random, from one seed.
"""
SET_OUT = """
## What we set out to reach

Each figure is the median of {rounds} rounds (measured on {day}), each ratio one of figures of the same round, so that
a slow moment of the machine strikes both. *bare commits* are rows of 200 bytes, each in a transaction of its own that
SQLite flushes. *of target* is what was reached as a part of what is wanted: with ≥ more is better, with ≤ less.

```sh
./run bench --targets    # or with --only "proof of work,cancel"
```

{table}
"""
WHERE_WE_LOSE = """
## Where Outlast is not the fastest

* A library that does not flush accepts jobs faster, and so does a queue whose workers are threads of the process that
  submits: nothing crosses a process, and a crash takes both.
* A key that is written from inside of a job (Huey, RQ) is cheaper than a step: nothing crosses to another process, and
  nothing checks whether the attempt is still the one that counts.
* Each running job has a process that can be killed alone, and one loop decides for all of them. For many thousands of
  tiny tasks a second a broker is the better tool.
"""


def number(value: float | None) -> str:
    """Return a figure with as many digits as it deserves."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"


COLUMNS: dict[str, Callable[["Measured"], float | None]] = {
    "accept/s": lambda each: each.median("enqueue"),
    "overall/s": lambda each: each.median("overall"),
    "result p50 ms": lambda each: each.median("p50"),
    "p99 ms": lambda each: each.median("p99"),
    "steps/s": lambda each: each.median("steps"),
    "flushes": lambda each: each.flushes or None,
}


def table(subjects: Sequence["Measured"]) -> str:
    """Return the Markdown table."""
    head = f"| | {' | '.join(COLUMNS)} |\n|---|{'---:|' * len(COLUMNS)}\n"
    return head + "\n".join(_row(each) for each in subjects)


def _row(subject: "Measured") -> str:
    title = subject.about.get("title", subject.name)
    if not subject.figures:
        return f"| {title} | {subject.missing or 'not measured'} |" + " |" * (len(COLUMNS) - 1)
    return f"| {title} | " + " | ".join(number(column(subject)) for column in COLUMNS.values()) + " |"


def strikes(subjects: Sequence["Measured"]) -> str:
    """Return the Markdown table of what random kills left."""
    head = "| | accepted | kills | lost | redone | twice | after |\n|---|---:|---:|---:|---:|---:|---:|\n"
    rows = []
    for each in subjects:
        if each.strikes is not None:
            told = each.strikes
            cells = [str(told.get(key, "–")) for key in ("accepted", "kills", "lost", "redone", "twice", "after")]
            rows.append(f"| {each.about.get('title', each.name)} | {' | '.join(cells)} |")
    return head + "\n".join(rows)


def page(subjects: Sequence["Measured"], rounds: int, kills: int, reached: Mapping[str, Any]) -> str:
    """Return docs/benchmarks.md; `reached` is what a run of bench/targets.py has kept."""
    from bench.peers.measure import OVERALL

    probes = sorted(value for each in subjects for value in each.figures.get("probe", []))
    settings = "\n".join(
        f"* {each.about.get('title', each.name)}: {each.about.get('durable', '')}"
        + (f"; its step: `{each.about['steps_are']}`" if each.about.get("steps_are") else "")
        for each in subjects
    )
    parts = [
        HEAD.format(rounds=rounds),
        "![Jobs a second, submitted one by one and run by two workers](benchmarks.svg)\n\n",
        table(subjects),
        "\n",
        READING.format(jobs=f"{OVERALL:,}", probe=probes[len(probes) // 2] if probes else 0, settings=settings),
        _machine(),
        STRUCK.format(kills=kills, table=strikes(subjects)) if kills else "",
        _set_out(reached),
        WHERE_WE_LOSE,
    ]
    return "".join(parts)


def _set_out(reached: Mapping[str, Any]) -> str:
    rows = [Row(**row) for row in reached["rows"]]
    return SET_OUT.format(rounds=len(reached["rounds"]), day=reached["measured_on"], table=markdown_table(rows))


def _machine() -> str:
    cores = len([line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("processor")])
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with Python {platform.python_version()}, "
        f"SQLite {apsw.sqlitelibversion()} (the peers: {sqlite3.sqlite_version}, DBOS its own), {cores} cores, "
        f"Linux {platform.release().partition('-')[0]}. A Python that was built without profile-guided optimisation "
        "(distributions build it with) needs half as much time again.\n"
    )


def chart(subjects: Sequence["Measured"]) -> str:
    """Return docs/benchmarks.svg: a bar for the overall rate of each."""
    measured = [(each, rate) for each in subjects if (rate := each.median("overall")) is not None]
    measured.sort(key=lambda pair: -pair[1])
    most = max((rate for _, rate in measured), default=1.0)
    parts = [_text(10, 20, "no-op jobs a second, submitted one by one and run by two workers")]
    for place, (each, rate) in enumerate(measured):
        y, length = 34 + place * 26, max(2.0, 440 * rate / most)
        kind = "ours" if each.name == "outlast" else "peer"
        parts.append(_text(150, y + 13, each.about.get("title", each.name), anchor="end"))
        parts.append(f'<rect x="160" y="{y}" width="{length:.1f}" height="18" rx="2" class="{kind}"/>')
        parts.append(_text(168 + length, y + 13, number(rate)))
    height = 44 + len(measured) * 26
    body = "\n".join([_STYLE, *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {height}" role="img">\n{body}\n</svg>\n'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{text}</text>'


_STYLE = (
    '<rect width="100%" height="100%" fill="#ffffff"/><style>text{font:12px system-ui,sans-serif;fill:#334155}'
    ".peer{fill:#cbd5e1}.ours{fill:#0f766e}</style>"
)
