"""`outlast demo`: the tour, as a person or a program sees it."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.render.text import fit, pad, wrap
from outlast.core.errors import UsageError

if TYPE_CHECKING:
    from outlast.clients.render.paint import Paint
    from outlast.demo.claims import Report
    from outlast.demo.tour import Outcome

WIDTH = 80
_COLOURS = {"SIGKILL": "red", "resumed": "green", "finished": "green", "missed": "red"}
_WORD_WIDTH = 10
_CLOCK_WIDTH = 9
_SHOWN_HASH = 20
_LINES_OF_EVIDENCE = 2
NEXT = (
    "outlast run -- sleep 20",
    "outlast list -a",
    "outlast pow struct_build_complete 5-12 --player 1-11 \\",
    "    --block-start 1000 --block-height 9000 --follow",
)


@click.command(epilog=examples("outlast demo", "outlast demo --json", "outlast demo --keep"))
@click.option("--keep", is_flag=True, help="Keep the demo's directory.")
@pass_session
def command(session: Session, keep: bool) -> int:
    """Watch jobs outlast the death of their processes.

    Two real jobs, a search and a daily checklist, are killed with SIGKILL, and their supervisor too, at points that
    were saved; then everything that is said about them is checked. It takes less than a minute, and nothing is left
    behind. Exit 1 if a claim fails.
    """
    from outlast.demo.tour import tour

    if {"data_dir", "store"} & session.flags.keys():
        raise UsageError("The demo has a directory of its own.", "Leave --data-dir and --store out.")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # so that the demo ends its processes on the way out
    if session.json:
        outcome = tour(_Nobody(), keep=keep)
        session.print_json(_object(outcome, keep))
    else:
        viewer = _Viewer(session)
        viewer.head("Outlast demo: it kills its own processes and checks what is left.")
        outcome = tour(viewer, keep=keep)
        session.print_lines(_closing(outcome, keep, session.paint()))
    return 0 if outcome.report.holds else 1


class _Nobody:
    """Watches nothing: a program reads the outcome."""

    def say(self, word: str, text: str) -> None:
        pass

    def live(self, text: str) -> None:
        pass


class _Viewer:
    """A person: a line for each event, and on a terminal one more that shows how it stands."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._paint = session.paint()
        self._began = monotonic()
        self._is_live = session.on_terminal and os.environ.get("TERM", "dumb") != "dumb"
        self._width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
        self._shown = ""

    def head(self, text: str) -> None:
        """Say what this is."""
        self._session.print_lines([self._paint(text, "bold"), ""])

    def say(self, word: str, text: str) -> None:
        self._clear()
        clock = pad(f"{monotonic() - self._began:5.1f} s" if word else "", _CLOCK_WIDTH)
        indent = _CLOCK_WIDTH + _WORD_WIDTH + 2
        first, *rest = wrap(text, self._width - indent)
        word = self._paint(pad(word, _WORD_WIDTH + 2), _COLOURS.get(word, "cyan"))
        self._session.print_lines([f"{clock}{word}{first}", *(" " * indent + line for line in rest)])
        sys.stdout.flush()

    def live(self, text: str) -> None:
        clock = f"{monotonic() - self._began:5.1f} s"
        text = fit(f"{pad(clock, _CLOCK_WIDTH)}{text}", self._width - 1)
        if self._is_live and text != self._shown:
            self._clear()
            sys.stdout.write(self._paint(text, "dim"))
            sys.stdout.flush()
            self._shown = text

    def _clear(self) -> None:
        if self._shown:
            sys.stdout.write("\r\x1b[2K")
            self._shown = ""


def _object(outcome: "Outcome", keep: bool) -> dict[str, Any]:
    return {
        **outcome.report.as_json(),
        "seconds": round(outcome.seconds, 1),
        "directory": str(outcome.directory) if keep else None,
        "jobs": outcome.view,
        "checklist": outcome.checklist,
    }


def _closing(outcome: "Outcome", keep: bool, paint: "Paint") -> Iterator[str]:
    """Return what is shown at the end: only what the report holds."""
    yield from _view_lines(outcome.view, paint)
    yield from _checklist_lines(outcome.checklist, paint)
    yield from _claim_lines(outcome.report, paint)
    yield ""
    yield from wrap(_summary(outcome), WIDTH)
    if keep:
        yield f"Its files: {outcome.directory}"
    yield from ("", paint("Try next", "bold"), *(f"  {line}" for line in NEXT))


def _view_lines(view: Mapping[str, Any], paint: "Paint") -> Iterator[str]:
    if not view:
        return
    yield from ("", paint("jobs.json, shortened", "bold"))
    for job_id, job in view.items():
        head = {name: job.get(name) for name in ("status", "attempts", "started_at", "completed_at")}
        yield f'  "{job_id}": {{'
        yield from (f"    {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items())
        yield fit(f'    "result": {json.dumps(_short_result(job.get("result")), ensure_ascii=False)}', WIDTH)
        yield "  }"


def _checklist_lines(checklist: Mapping[str, Any], paint: "Paint") -> Iterator[str]:
    """Return the JSON of the checklist, a line for each key."""
    if not checklist:
        return
    yield from ("", paint(f"{checklist['account']}/{checklist['type']}-{checklist['date']}.json", "bold"))
    for key, value in checklist.items():
        first, *rest = wrap(json.dumps(value, ensure_ascii=False), WIDTH - 6 - len(key) - 4)
        yield f'  "{key}": {first}'
        yield from (" " * (6 + len(key)) + line for line in rest)


def _short_result(result: Any) -> Any:
    """Return of a proof what is worth reading."""
    proof = result.get("proof_of_work") if isinstance(result, dict) else None
    if not isinstance(proof, dict):
        return result
    return {"nonce": proof.get("nonce"), "hash": f"{str(proof.get('hash'))[:_SHOWN_HASH]}…"}


def _claim_lines(report: "Report", paint: "Paint") -> Iterator[str]:
    from outlast.demo.claims import CLAIMS

    yield from ("", paint("Checked in this run", "bold"))
    for claim, text in CLAIMS.items():
        verdict = report.verdicts.get(claim)
        if verdict is None:
            yield f"  - Not checked: {text}"
            continue
        yield f"  {paint('✓', 'green')} {text}" if verdict.holds else paint(f"  ✗ Not true: {text}", "red")
        lines = wrap(", ".join(_evidence(verdict.evidence)), WIDTH - 4)
        yield from (f"    {paint(line, 'dim')}" for line in (lines[:_LINES_OF_EVIDENCE] if verdict.holds else lines))


def _evidence(evidence: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name.replace('_', ' ')} {_plain(value)}" for name, value in evidence.items())


def _plain(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if value >= 100_000 else str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    return str(value)


def _summary(outcome: "Outcome") -> str:
    from outlast.demo.claims import CLAIMS

    report = outcome.report
    killed = f"{len(report.kills)} processes were killed in {outcome.seconds:.0f} s"
    true = sum(report.verdict(claim).holds for claim in CLAIMS)
    if report.holds:
        return f"{killed}; all {true} claims were checked and are true."
    return f"{killed}; {len(CLAIMS) - true} of {len(CLAIMS)} claims are not true or could not be checked."
