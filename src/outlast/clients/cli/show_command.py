"""`outlast show`: one job."""

from contextlib import suppress

import click

from outlast.clients.cli.choosing import find, id_argument
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.core.errors import Busy, StoreError
from outlast.core.status import Status
from outlast.core.view import job_object


@click.command(epilog=examples("outlast show 9f2c41d0", "outlast show @last --verbose", "outlast show KEY --json"))
@id_argument
@click.option("-v", "--verbose", is_flag=True, help="Arguments, steps, cursor, events, traceback and code too.")
@pass_session
def command(session: Session, job_id: str, verbose: bool) -> None:
    """Show a job.

    ID is an id, a key, at least four digits of the id's random part, or @last: what you submitted last.
    """
    job = find(session, job_id)
    service = session.existing()
    with suppress(StoreError, Busy):  # a full or read-only disk must not keep anybody from looking
        service.mark_read([job])
    is_command = job.kind == "command"
    details = service.details(job) if verbose or (is_command and not session.json) else None
    if session.json:
        view = job_object(job)
        if details is not None:
            from outlast.clients.render.details import details_object

            view.update(details_object(job, details))
        session.print_json(view)
        return
    from outlast.clients.render.jobs import job_screen
    from outlast.clients.render.words import known_by

    screen = session.screen()
    if details is None:
        session.print_lines(job_screen(job, screen))
    else:
        from outlast.clients.render.details import command_line, details_screen

        session.print_lines(job_screen(job, screen, command_line(details) if is_command else ""))
        session.print_lines(details_screen(job, details, screen) if verbose else ())
    if job.status is Status.FAILED:
        session.note(f"outlast explain {known_by(job.id)} tells what happened and what to do.")
