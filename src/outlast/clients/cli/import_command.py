"""`outlast import`: the jobs of an export, or of a jobs.json."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.core.durations import format_duration

if TYPE_CHECKING:
    from outlast.upkeep.copies import Imported

STDIN = Path("-")


@click.command(
    epilog=examples(
        "outlast import jobs.jsonl",
        "zcat jobs.jsonl.gz | outlast import -",
        "outlast import jobs.jsonl --resume    # they run nowhere else",
        "outlast import old/jobs.json --keep",
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--resume", is_flag=True, help="Let unfinished jobs go on here.")
@click.option("--keep", is_flag=True, help="Keep the jobs until they are removed.")
@pass_session
def command(session: Session, file: Path, resume: bool, keep: bool) -> None:
    """Add the jobs of FILE: of an export, or of a jobs.json. `-` is stdin.

    A job whose id is known stays as it is, so the same file may be imported again. A file that is wrong anywhere is
    refused as a whole.

    An unfinished job has failed (interrupted), because it may still run where it came from; `outlast retry` runs it
    from its last save. With --resume it goes on at once. A schedule comes paused. Import a file only if you trust it:
    it says what runs.
    """
    from outlast.upkeep.copies import Wishes, take_in

    source = sys.stdin.buffer if file == STDIN else file
    imported = take_in(session.service(), source, Wishes(resume=resume, keep=keep))
    if session.json:
        session.print_json(_object(imported, resume))
        return
    session.print_lines(_lines(imported, resume))
    _tell_of_retention(session, imported)


def _object(imported: "Imported", resume: bool) -> dict[str, Any]:
    return {
        "imported": imported.added,
        "known": imported.known,
        "interrupted": 0 if resume else imported.unfinished,
        "resumed": imported.unfinished if resume else 0,
        "keys_taken": imported.keys_taken,
        "removed_before": imported.history,
        "schedules_paused": imported.schedules,
    }


def _lines(imported: "Imported", resume: bool) -> list[str]:
    rows = (
        (imported.added, "imported"),
        (imported.known, "known already, left as they are"),
        (imported.unfinished, "of them go on here" if resume else "of them interrupted: outlast retry runs them again"),
        (imported.keys_taken, "of them without their key: another job has it"),
        (imported.history, "known only by their history"),
        (imported.schedules, "of the schedules, paused: outlast schedule resume NAME"),
    )
    return [f"{number:,} {words}" for number, words in rows if number or words == "imported"]


def _tell_of_retention(session: Session, imported: "Imported") -> None:
    longest = session.settings["OUTLAST_RETENTION_UNREAD"]
    if longest is None or imported.oldest_end is None or session.now() - imported.oldest_end < longest * 1000:
        return
    ago = format_duration(longest)
    session.note(f"Some ended over {ago} ago and will soon be pruned; with --keep they would stay.")
