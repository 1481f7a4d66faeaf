"""`outlast prune`: old finished jobs go away."""

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.values import DURATION


@click.command(epilog=examples("outlast prune --older-than 1h", "outlast prune --older-than 30d --json"))
@click.option("--older-than", type=DURATION, required=True, metavar="D", help="Those that ended longer ago.")
@pass_session
def command(session: Session, older_than: float) -> None:
    """Remove finished jobs that ended a while ago.

    Read or not, but never those that were submitted with --keep. A few bytes of history stay of each
    (OUTLAST_HISTORY), so that its key is still known, and stats and failures count it. The file becomes smaller.
    """
    count = session.service().prune(older_than) if session.has_store() else 0
    if session.json:
        session.print_json({"removed": count})
    else:
        session.print_lines([f"{count:,} {'job' if count == 1 else 'jobs'} removed"])
