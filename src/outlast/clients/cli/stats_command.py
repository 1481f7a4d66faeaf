"""`outlast stats`: the whole store at a glance."""

import click

from outlast.clients.cli.session import Session, examples, pass_session


@click.command(epilog=examples("outlast stats", "outlast stats --json"))
@pass_session
def command(session: Session) -> None:
    """Show counts, ends over time, durations, and who works.

    The bars are the jobs that ended in each of the last 24 hours and 14 days (UTC); a dot is none. Removed jobs count
    in them, and in the durations, as long as their history stays (OUTLAST_HISTORY).
    """
    if not session.has_store():
        _show_nothing(session)
        return
    from outlast.clients.render.stats import overview_object, overview_screen

    overview = session.service().lookout.overview()
    if session.json:
        session.print_json(overview_object(overview))
    else:
        session.print_lines(overview_screen(overview, session.screen()))


def _show_nothing(session: Session) -> None:
    if session.json:
        from outlast.clients.render.stats import overview_object
        from outlast.lookout import nothing

        session.print_json(overview_object(nothing(may_start=session.settings.autostart)))
    else:
        session.note(f"There are no jobs in {session.place} yet.")
