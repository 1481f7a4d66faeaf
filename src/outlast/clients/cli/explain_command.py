"""`outlast explain`: the story of a job."""

from contextlib import suppress

import click

from outlast.clients.cli.choosing import find, id_argument
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.core.errors import Busy, StoreError


@click.command(epilog=examples("outlast explain 9f2c41d0", "outlast explain @last", "outlast explain KEY --json"))
@id_argument
@pass_session
def command(session: Session, job_id: str) -> None:
    """Tell a job's story: what happened, what now, what to do next.

    What ran when and how long, what it died of, from where it went on, what it waits for, and whether anybody will
    run it. With --json: {"job_id", "status", "story", "now", "next"}.
    """
    from outlast.clients.render.story import story_object, story_of
    from outlast.clients.render.story.screen import story_screen

    job = find(session, job_id)
    service = session.existing()
    details = service.details(job)
    story = story_of(job, details, service.lookout.prospects(job, details))
    with suppress(StoreError, Busy):  # a full or read-only disk must not keep anybody from looking
        service.mark_read([job])
    if session.json:
        session.print_json(story_object(story))
    else:
        session.print_lines(story_screen(job, story, session.screen()))
