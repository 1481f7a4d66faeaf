"""`outlast export`: every job as a line of JSON."""

from pathlib import Path

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.render.text import visible

STDOUT = frozenset(map(Path, ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")))


@click.command(
    epilog=examples(
        "outlast export jobs.jsonl",
        "outlast export - | gzip > jobs.jsonl.gz",
        "outlast export - | jq -c 'select(.type == \"job\") | .result'",
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@pass_session
def command(session: Session, file: Path) -> None:
    """Write every job to FILE as JSON Lines; `-` is stdout.

    With arguments, steps, cursors, results and histories, also those of removed jobs. docs/files.md describes the
    lines; `outlast import` reads them. What jobs were given and gave back stands there in plain text.
    """
    from outlast.upkeep.copies import export_pieces, export_to

    session.expect_store()
    if file in STDOUT:
        for piece in export_pieces(session.settings, {}):
            session.write(piece)
        return
    counts = export_to(session.settings, file)
    if session.json:
        session.print_json({"file": str(file), "lines": counts})
    else:
        jobs = "1 job" if counts["job"] == 1 else f"{counts['job']:,} jobs"
        session.print_lines([f"{visible(str(file))}: {jobs}, and {counts['history']:,} that were removed"])
