"""`outlast state`: what each account has done of its activities each day."""

import click

from outlast.clients.cli.group import LazyGroup
from outlast.clients.cli.session import examples

STATE_SECTIONS = {
    "Look": ("list", "show", "report", "doctor"),
    "Do": ("run",),
    "Put in order": ("reset", "prune", "import", "export"),
}


class StateGroup(LazyGroup):
    """The commands of job state."""

    sections = STATE_SECTIONS
    package = f"{__name__.rpartition('.')[0]}.state"


@click.group(
    cls=StateGroup,
    epilog=examples(
        "outlast state list",
        "outlast state show user@email.com daily-set",
        "outlast state run daily.py:do --accounts accounts.txt --type daily-set \\",
        "    --activities check-in,quiz-1,poll-1",
        "outlast state report --since 8w --html report.html",
    ),
)
def command() -> None:
    """Checklists: what each account has done each day.

    They are files that you may read, edit and delete, ACCOUNT/TYPE-DATE.json in the directory that --dir names, else
    jobState.dir in src/config.json or config.json, else in sessions/job-state.
    """
