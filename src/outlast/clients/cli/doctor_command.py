"""`outlast doctor`: is everything well, and if not, what mends it?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.core.errors import UsageError
from outlast.core.findings import Level, exit_code, worst

if TYPE_CHECKING:
    from outlast.upkeep.repair import Repaired


@click.command(
    epilog=examples(
        "outlast doctor",
        "outlast doctor --json",
        "outlast doctor --repair",
        "outlast doctor --repair --from /backups/jobs.db",
    )
)
@click.option("--repair", "repairs", is_flag=True, help="Mend what can be mended; rebuild a damaged store.")
@click.option("--from", "backup", type=click.Path(path_type=Path), metavar="FILE", help="Repair with this backup.")
@pass_session
def command(session: Session, repairs: bool, backup: Path | None) -> int:
    """Look for what is wrong, and say what mends it.

    Nothing is made or changed without --repair. The exit code is 0 if all is well, 1 if something was found, and 2 if
    the store is damaged, another program's, or a later version's.

    --repair is refused while anything runs. A damaged store is set aside, and a new one is made of what can be read
    of it, of its last good copy (backup/jobs.db) and of jobs.json. What had not ended has failed (interrupted). A
    sound store is never moved.
    """
    from outlast.clients.render.findings import findings_object, findings_screen
    from outlast.upkeep.doctor import examine

    if backup is not None and not repairs:
        raise UsageError("--from belongs to --repair.", "outlast doctor --repair --from FILE")
    repaired = _repair(session, backup) if repairs else None
    findings = examine(session.settings)
    if session.json:
        answer: dict[str, Any] = {"status": str(worst(findings)), "data_dir": str(session.settings.data_dir)}
        if repaired is not None:
            answer["repair"] = _repair_object(repaired)
        session.print_json({**answer, "checks": findings_object(findings)})
    else:
        # After a repair only what is left to be said.
        shown = [finding for finding in findings if repaired is None or finding.level is not Level.OK]
        session.print_lines(findings_screen(shown, session.screen()))
        if worst(findings) is Level.OK and (repaired is None or repaired.is_whole):
            session.note("All is well.")
    return exit_code(findings) or int(repaired is not None and not repaired.is_whole)


def _repair(session: Session, backup: Path | None) -> "Repaired":
    from outlast.clients.render.text import visible, wrap
    from outlast.upkeep.repair import repair

    repaired = repair(session.settings, backup=backup)
    if not session.json:
        told = repaired.done or ["Nothing had to be mended."]
        session.print_lines(line for text in told for line in wrap(visible(text), session.screen().width))
    return repaired


def _repair_object(repaired: "Repaired") -> dict[str, Any]:
    recovered = repaired.recovered
    answer: dict[str, Any] = {"done": repaired.done, "kept": None if repaired.kept is None else str(repaired.kept)}
    if recovered is not None:
        answer |= {
            "jobs": recovered.jobs,
            "interrupted": recovered.interrupted,
            "ended_in_jobs_json": recovered.ended,
            "lost": recovered.lost,
            "lost_results": recovered.stubs,
            "unreadable": recovered.unreadable,
        }
    return answer
