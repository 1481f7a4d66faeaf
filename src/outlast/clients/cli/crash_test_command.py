"""`outlast crash-test`: does this disk keep what it promises, and this job its work?"""

import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.values import DURATION
from outlast.clients.render.text import fit, wrap
from outlast.core.durations import format_duration
from outlast.core.errors import UsageError

if TYPE_CHECKING:
    from outlast.clients.render.paint import Paint
    from outlast.crashtest.claims import Verdict
    from outlast.crashtest.trial import Stand

WIDTH = 80
_MOST_FAULTS = 5


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog=examples(
        "outlast crash-test",
        "outlast crash-test --seconds 5m --dir /mnt/data",
        "outlast crash-test jobs.py:mirror 'urls=[\"https://example.org\"]'",
        "outlast crash-test --seed 7 --json",
    ),
)
@click.argument("command_line", metavar="[TARGET [NAME=VALUE]...]", nargs=-1)
@click.option("--seconds", type=DURATION, default="30s", show_default=True, metavar="D", help="For how long.")
@click.option("--dir", "directory", type=click.Path(path_type=Path), metavar="DIR", help="On which disk (here).")
@click.option("--seed", metavar="N", help="Kill as an earlier run did.")
@click.option("--keep", is_flag=True, help="Keep the files of the run.")
@pass_session
def command(
    session: Session, command_line: Sequence[str], seconds: float, directory: Path | None, seed: str | None, keep: bool
) -> int:
    """Kill things at random, and judge what is left.

    Jobs are submitted all the time; job processes, supervisors and clients are killed with SIGKILL at random moments.
    Then everything may settle, and it is checked that nothing accepted was lost, that no finished step ran again, and
    that the store is sound. Exit 1 if anything is wrong; then the files stay.

    TARGET is a job of yours, with arguments that fit each time; it should take seconds. It runs many times, and is
    killed many times: give it nothing that must happen only once. Without it, a job of six short steps is tried.
    """
    if {"data_dir", "store"} & session.flags.keys():
        raise UsageError("A crash test has a store of its own.", "Say with --dir on which disk.")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # so that its processes are ended on the way out
    seed = seed or str(secrets.randbelow(1_000_000))
    place = _new_directory(directory or Path.cwd())
    began = monotonic()
    verdict, stand = None, None
    try:
        verdict, stand = _tried(session, place, seconds, command_line, seed)
    finally:
        keeps = keep or (verdict is not None and not verdict.holds)
        if not keeps:
            shutil.rmtree(place, ignore_errors=True)
    facts = {
        "seed": seed,
        "seconds": round(monotonic() - began, 1),
        "accepted": stand.accepted,
        "kills": dict(stand.kills),
        "directory": str(place) if keeps else None,
    }
    if session.json:
        session.print_json({**facts, **verdict.as_json()})
    else:
        session.print_lines(_screen(facts, verdict, session.paint()))
    return 0 if verdict.holds else 1


def _new_directory(where: Path) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="outlast-crash-test-", dir=where)).resolve()
    except OSError as error:
        raise UsageError(
            f"{where} cannot be used: {os.strerror(error.errno or 0)}.", "Choose another place with --dir."
        ) from None


def _tried(
    session: Session, place: Path, seconds: float, command_line: Sequence[str], seed: str
) -> "tuple[Verdict, Stand]":
    from outlast.crashtest.arena import Arena
    from outlast.crashtest.trial import Plan, Trial

    if not session.json:
        session.print_lines(wrap(f"Killing at random for {format_duration(seconds)} (seed {seed}), in {place}", WIDTH))
        sys.stdout.flush()
    arena = Arena(place)
    trial = Trial(arena, Plan(seconds=seconds, command=command_line, seed=seed), _watcher(session, seconds))
    try:
        return trial.run(), trial.stand
    finally:
        arena.stop()
        arena.close()
        if session.on_terminal and not session.json:
            sys.stdout.write("\r\x1b[2K")


def _watcher(session: Session, seconds: float) -> Any:
    """Return what shows how it stands, on a terminal."""
    began = monotonic()
    is_live = session.on_terminal and not session.json and os.environ.get("TERM", "dumb") != "dumb"

    def show(stand: "Stand") -> None:
        if is_live:
            spent = min(seconds, monotonic() - began)
            jobs = f"{stand.accepted} jobs accepted, {stand.ended} ended"
            text = f"{spent:5.0f} of {seconds:.0f} s   {jobs}, {_kills(stand.kills)}"
            sys.stdout.write(f"\r\x1b[2K{fit(text, WIDTH - 1)}")
            sys.stdout.flush()

    return show


def _kills(kills: "dict[str, int] | Any") -> str:
    names = {"job": "job processes", "supervisor": "supervisors", "client": "clients"}
    told = ", ".join(f"{count} {names[role]}" for role, count in sorted(kills.items()) if count)
    return f"{sum(kills.values())} killed" + (f" ({told})" if told else "")


def _screen(facts: dict[str, Any], verdict: "Verdict", paint: "Paint") -> Iterator[str]:
    from outlast.crashtest.claims import CLAIMS

    yield f"{facts['accepted']} jobs accepted, {_kills(facts['kills'])}."
    if "steps" in verdict.figures:
        steps, repeated = verdict.figures["steps"], verdict.figures["repeated"]
        yield f"{steps} steps done, {repeated} of them a second time after a kill."
    yield ""
    for claim, text in CLAIMS.items():
        faults = verdict.faults[claim]
        if claim in verdict.unchecked:
            yield f"  - Not checked here: {text}"
        elif not faults:
            yield f"  {paint('✓', 'green')} {text}"
        else:
            yield paint(f"  ✗ Not true: {text}", "red")
            yield from (f"    {line}" for fault in faults[:_MOST_FAULTS] for line in wrap(fault, WIDTH - 4))
            if len(faults) > _MOST_FAULTS:
                yield f"    and {len(faults) - _MOST_FAULTS} more"
    yield ""
    if verdict.holds:
        yield "All that was checked is true."
    else:
        yield from wrap(
            f"Something is wrong. The files are in {facts['directory']}; --seed {facts['seed']} again.", WIDTH
        )
