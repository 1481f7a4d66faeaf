"""`outlast state doctor`: what is wrong with the files."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.state.choosing import state_options
from outlast.clients.render.text import visible, wrap

if TYPE_CHECKING:
    from outlast.clients.render.jobs import Screen
    from outlast.jobstate import JobState
    from outlast.jobstate.doctor import Finding

_INDENT = 2


@click.command(epilog=examples("outlast state doctor", "outlast state doctor --json"))
@state_options
@pass_session
def command(session: Session, state: "JobState") -> int:
    """Look for what is wrong with the files; exit 1 if anything is.

    Damaged files, disks without locks, network file systems. Nothing is changed. A damaged checklist is made anew when
    it is opened, and a copy is kept.
    """
    found = state.doctor()
    if session.json:
        session.print_json({"ok": not found, "findings": [asdict(finding) for finding in found]})
        return 1 if found else 0
    for finding in found:
        session.print_lines(_lines(finding, session.screen()))
    if not found:
        session.print_lines([f"{state.places.root}: all is well"])
    return 1 if found else 0


def _lines(finding: "Finding", screen: "Screen") -> Iterator[str]:
    """Return the path, on a line of its own that can be copied, and below it what is wrong and what mends it."""
    yield visible(finding.path)
    for text, colour in ((finding.problem, "red"), (finding.fix, "")):
        for line in wrap(visible(text), screen.width - _INDENT):
            yield " " * _INDENT + screen.paint(line, colour)
