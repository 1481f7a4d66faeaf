"""What to do next about a job: the exact commands, the likeliest first."""

import shlex
from collections.abc import Callable, Iterator, Mapping

from outlast.clients.render.story.values import Advice
from outlast.clients.render.story.wording import Saved, going_on, saved_by_attempt
from outlast.clients.render.words import known_by
from outlast.core.job import Details, Job
from outlast.core.prospects import Prospects
from outlast.core.questions import open_questions
from outlast.core.status import Reason, Status


def advice_for(job: Job, details: Details, facts: Prospects) -> list[Advice]:
    """Return what can be done about the job as it stands, each command once."""
    found = list(_BY_STATUS[job.status](job, details, facts))
    commands = [each.command for each in found]
    return [each for n, each in enumerate(found) if each.command is None or each.command not in commands[:n]]


def _queued(job: Job, details: Details, facts: Prospects) -> Iterator[Advice]:
    yield from _mend_code(facts)
    yield from _get_going(job, facts)
    yield _do(job, "cancel", "takes it out of the queue")


def _running(job: Job, details: Details, facts: Prospects) -> Iterator[Advice]:
    if job.intent is not None:
        yield _do(job, "wait", "returns when it has stopped")
    if facts.process_lives is False and not facts.office.lives:
        yield from _get_going(job, facts)
    yield _do(job, "follow", "shows how far it is and what it writes")
    if job.intent is None:
        yield _do(job, "cancel", "ends it")


def _waiting(job: Job, details: Details, facts: Prospects) -> Iterator[Advice]:
    if job.reason is Reason.PAUSED:
        yield _do(job, "resume", "lets it go on")
        return
    if job.reason is Reason.INPUT:
        yield from _answers(job)
        return
    yield from _mend_code(facts)
    if not facts.office.lives:
        yield from _get_going(job, facts)
    yield _do(job, "follow", "shows when it goes on")
    if job.reason is Reason.RETRY and facts.has_log:
        yield _do(job, "logs", "shows what it wrote before it failed")


def _answers(job: Job) -> Iterator[Advice]:
    asked = open_questions(job)
    for question in asked:
        which = f" --question {shlex.quote(question.name)}" if len(asked) > 1 else ""
        yield _do(job, "answer", "lets it go on with your answer", f"{which} VALUE")
    yield _do(job, "cancel", "ends it without one")


def _completed(job: Job, details: Details, facts: Prospects) -> Iterator[Advice]:
    yield _do(job, "show", "shows its result")
    if facts.has_log:
        yield _do(job, "logs", "shows what it wrote")


def _failed(job: Job, details: Details, facts: Prospects) -> Iterator[Advice]:
    if not job.spec.target:
        yield Advice(
            command=None, why="It was taken over from an old jobs.json, and its code is not known: submit anew."
        )
        return
    if facts.has_log:
        yield _do(job, "logs", "shows what it wrote before it failed")
    if details.traceback:
        yield _do(job, "show", "shows where in its code", " --verbose")
    yield from _change_first(job)
    yield from _mend_code(facts)
    yield from _again(job, details)
    if facts.alike is not None and facts.alike.kept > 1:
        command = f"outlast failures {facts.alike.code}"
        yield Advice(command=command, why="shows all that failed the same way")


def _change_first(job: Job) -> Iterator[Advice]:
    """Say what a retry would only meet again: the rules of a job are those it was submitted with."""
    if job.reason is Reason.TIMEOUT:
        yield Advice(command=None, why="A longer timeout needs a new submission (--job-timeout, or @job(timeout=…)).")
    if job.reason is Reason.CRASH:
        yield Advice(
            command=None, why="Let it save more often (ctx.step, ctx.checkpoint), so that it gets on between deaths."
        )
    if job.reason is Reason.INTERRUPTED:
        yield Advice(command=None, why="If it may be run twice, submit it with --on-interrupt resume.")


def _cancelled(job: Job, details: Details, facts: Prospects) -> Iterator[Advice]:
    yield from _mend_code(facts)
    yield from _again(job, details)


def _again(job: Job, details: Details) -> Iterator[Advice]:
    if not job.spec.target:
        return
    if job.reason is Reason.BROADCAST_UNKNOWN:
        yield Advice(command=None, why="Look on the chain first whether it arrived.")
        yield _do(job, "retry", "sends the proof it has", " --broadcast")
        return
    words = going_on(sum(saved_by_attempt(details.steps).values(), Saved()), details.cursor, job.kind)
    yield _do(job, "retry", f"runs it again, {words}" if words else "runs it again from the top")


def _get_going(job: Job, facts: Prospects) -> Iterator[Advice]:
    if facts.office.lives:
        yield _do(job, "follow", "shows it as soon as it begins")
    elif facts.office.may_start:
        yield _do(job, "follow", "starts a supervisor and shows the job")
    else:
        yield Advice(command="outlast worker", why="runs the jobs in the foreground, until Ctrl-C")


def _mend_code(facts: Prospects) -> Iterator[Advice]:
    if facts.code_fault:
        yield Advice(command=None, why="Put its code back where it was, or cancel it and submit it anew.")


def _do(job: Job, verb: str, why: str, options: str = "") -> Advice:
    return Advice(command=f"outlast {verb} {known_by(job.id)}{options}", why=why)


_BY_STATUS: Mapping[Status, Callable[[Job, Details, Prospects], Iterator[Advice]]] = {
    Status.QUEUED: _queued,
    Status.RUNNING: _running,
    Status.WAITING: _waiting,
    Status.COMPLETED: _completed,
    Status.FAILED: _failed,
    Status.CANCELLED: _cancelled,
}
