"""`outlast doctor`: is everything well, and if not, what mends it?"""

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.core.findings import Level, exit_code, worst


@click.command(epilog=examples("outlast doctor", "outlast doctor --json", "outlast doctor --repair"))
@pass_session
def command(session: Session) -> int:
    """Look for what is wrong, and say what mends it.

    Nothing is made or changed. The exit code is 0 if all is well, 1 if something was found, and 2 if the store is
    damaged, another program's, or a later version's.
    """
    from outlast.clients.render.findings import findings_object, findings_screen
    from outlast.upkeep.doctor import examine

    findings = examine(session.settings)
    if session.json:
        place = str(session.settings.data_dir)
        session.print_json({"status": str(worst(findings)), "data_dir": place, "checks": findings_object(findings)})
    else:
        session.print_lines(findings_screen(findings, session.screen()))
        if worst(findings) is Level.OK:
            session.note("All is well.")
    return exit_code(findings)
