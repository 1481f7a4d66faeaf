"""`outlast stats`: how many jobs there are."""

from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.session import Session, examples, pass_session

if TYPE_CHECKING:
    from outlast.core.job import Stats


@click.command(epilog=examples("outlast stats", "outlast stats --json"))
@pass_session
def command(session: Session) -> None:
    """Count the jobs by kind and status."""
    if not session.has_store():
        _show_nothing(session)
        return
    stats = session.service().stats()
    if session.json:
        session.print_json(_stats_object(stats))
        return
    from outlast.clients.render.jobs import stats_screen

    lines = stats_screen(stats, session.screen())
    session.print_lines(lines)
    if not lines:
        session.note("No jobs.")


def _stats_object(stats: "Stats") -> dict[str, Any]:
    from outlast.core.moments import to_iso

    return {
        "by_status": {str(status): number for status, number in stats.by_status.items()},
        "by_kind": {
            kind: {str(status): number for status, number in counts.items()} for kind, counts in stats.by_kind.items()
        },
        "oldest_queued_at": None if stats.oldest_queued_at is None else to_iso(stats.oldest_queued_at),
    }


def _show_nothing(session: Session) -> None:
    if session.json:
        session.print_json({"by_status": {}, "by_kind": {}, "oldest_queued_at": None})
    else:
        session.note(f"There are no jobs in {session.place} yet.")
