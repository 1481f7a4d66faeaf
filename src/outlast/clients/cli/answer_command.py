"""`outlast answer`: tell a job what it asks."""

from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.completing import complete_ids
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.core.errors import UsageError

if TYPE_CHECKING:
    from outlast.core.job import Job


@click.command(
    epilog=examples(
        "outlast answer 9f2c41d0",
        "outlast answer 9f2c41d0 yes",
        "outlast answer 9f2c41d0 --json-value '{\"confirm\": true}'",
        "outlast answer 9f2c41d0 --question colour blue",
    )
)
@click.argument("job_id", metavar="ID", shell_complete=complete_ids)
@click.argument("value", required=False)
@click.option("--json-value", metavar="JSON", help="The answer as JSON.")
@click.option("--question", metavar="NAME", help="Which one, if the job asks several things.")
@click.option("--decline", is_flag=True, help="Do not answer: the job is told so.")
@pass_session
def command(
    session: Session, job_id: str, value: str | None, json_value: str | None, question: str | None, decline: bool
) -> None:
    """Answer what a job asks; without VALUE, show the question.

    VALUE is JSON where that fits the question, else text. The job goes on where it asked.
    """
    if sum((value is not None, json_value is not None, decline)) > 1:
        raise UsageError("VALUE, --json-value and --decline exclude each other.", "Give one of them.")
    service = session.existing()
    job = service.find(job_id)
    if value is None and json_value is None and not decline:
        _show(session, job)
        return
    answer = _value(job, value, json_value, question)
    _tell(session, service.answer(job, answer, question=question, declined=decline))


def _value(job: "Job", text: str | None, json_text: str | None, name: str | None) -> Any:
    from outlast.core.codec import decode
    from outlast.core.questions import fitting_value, open_questions

    if json_text is not None:
        return decode(json_text, "--json-value")
    asked = next((each for each in open_questions(job) if name in (None, each.name)), None)
    return text if text is None or asked is None else fitting_value(asked, text)


def _show(session: Session, job: "Job") -> None:
    from outlast.clients.render.text import visible
    from outlast.core.questions import open_questions

    found = open_questions(job)
    if session.json:
        session.print_json({"job_id": job.id, "questions": [each.as_json() for each in found]})
        return
    if not found:
        session.note(f"{job.id} asks nothing.")
    for each in found:
        name = f"{each.name}: " if len(found) > 1 else ""
        session.print_lines([visible(f"{name}{each.text}")])


def _tell(session: Session, job: "Job") -> None:
    from outlast.core.questions import open_questions
    from outlast.core.view import job_object

    if session.json:
        session.print_json(job_object(job))
        return
    left = len(open_questions(job))
    more = f"; {left} more {'question is' if left == 1 else 'questions are'} open" if left else ""
    session.print_lines([f"{job.id} has its answer{more}"])
