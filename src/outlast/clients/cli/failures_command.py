"""`outlast failures`: what failed alike."""

from itertools import islice
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.completing import complete_groups
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.values import DURATION
from outlast.core.errors import NotFound, UsageError

if TYPE_CHECKING:
    from outlast.core.figures import FailureGroup

NEWEST = 10
"""So many jobs of a group are shown."""


@click.command(
    epilog=examples(
        "outlast failures",
        "outlast failures --since 7d --json",
        "outlast failures 3fa9c1d2",
        "outlast failures --retry 3fa9c1d2 --dry-run",
        "outlast failures --retry 3fa9c1d2 --yes",
    )
)
@click.argument("group", required=False, shell_complete=complete_groups)
@click.option("--since", type=DURATION, metavar="D", help="Only what failed within D (7d).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, metavar="N", help="At most N groups (20).")
@click.option("--retry", is_flag=True, help="Run all jobs of GROUP again.")
@click.option("--dry-run", is_flag=True, help="Only show what --retry would run again.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@pass_session
def command(  # noqa: PLR0913 - a parameter for each word of the command line
    session: Session, group: str | None, since: float | None, limit: int, retry: bool, dry_run: bool, yes: bool
) -> int | None:
    """Show what failed alike, the newest first.

    Failures with the same error are one group; numbers, ids and quoted names in it do not count. Removed jobs count
    as long as their history stays (OUTLAST_HISTORY). GROUP is the code of a group, or its error.
    """
    if retry and group is None:
        raise UsageError("--retry needs a GROUP.", "outlast failures lists them.")
    if (dry_run or yes) and not retry:
        raise UsageError("--dry-run and --yes belong to --retry.", "Leave them out, or use --retry GROUP.")
    if group is None:
        _list(session, since, limit)
        return None
    if not session.has_store():
        raise NotFound(f"There are no jobs in {session.place} yet.", "outlast submit starts one.")
    found = session.service().lookout.failure(group, since)
    if retry:
        return _retry(session, found, since, dry_run=dry_run, yes=yes)
    _show(session, found, since)
    return None


def _list(session: Session, since: float | None, limit: int) -> None:
    from outlast.clients.render.failures import group_list, group_object

    found = session.service().lookout.failures(since, limit) if session.has_store() else None
    groups = [] if found is None else found.groups
    total = 0 if found is None else found.total
    if session.json:
        session.print_json({"failures": [group_object(group) for group in groups], "groups": total})
        return
    if not groups:
        session.note("Nothing failed." if since is None else "Nothing failed in that time.")
        return
    session.print_lines(group_list(groups, session.screen()))
    if total > len(groups):
        session.note(f"… and {total - len(groups):,} more groups: --limit {min(total, 10_000)}")
    session.note("outlast failures GROUP shows one; with --retry its jobs run again.")


def _show(session: Session, group: "FailureGroup", since: float | None) -> None:
    from outlast.clients.render.failures import group_object, group_screen
    from outlast.clients.render.jobs import job_list
    from outlast.clients.render.words import known_by
    from outlast.core.view import job_object

    jobs = list(islice(session.service().lookout.failed_jobs(group, since), NEWEST))
    if session.json:
        session.print_json({**group_object(group), "jobs": [job_object(job) for job in jobs]})
        return
    screen = session.screen()
    lines = group_screen(group, screen)
    if jobs:
        lines += ["", *job_list(jobs, screen)]
    session.print_lines(lines)
    if group.kept > len(jobs):
        session.note(f"… and {group.kept - len(jobs):,} more")
    if jobs:
        session.note(f"outlast explain {known_by(jobs[0].id)} tells the story of the newest.")
        which = "it" if group.kept == 1 else f"all {group.kept:,}"
        session.note(f"outlast failures --retry {group.code} runs {which} again.")


def _retry(session: Session, group: "FailureGroup", since: float | None, *, dry_run: bool, yes: bool) -> int:
    from outlast.clients.cli.steering import MOST_SHOWN, RETRY, Selection, steer_many

    lookout = session.service().lookout
    chosen = Selection(
        count=group.kept,
        head=list(islice(lookout.failed_jobs(group, since), MOST_SHOWN)),
        each=lambda: lookout.failed_jobs(group, since),
    )
    return steer_many(session, chosen, RETRY, dry_run=dry_run, yes=yes)
