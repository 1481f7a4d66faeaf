"""How a job stands, and whether anybody will run it: sentences for the present."""

from collections.abc import Callable, Iterator, Mapping

from outlast.clients.render.progress import full_progress
from outlast.clients.render.story.proof import proof_sentences, search_sentence
from outlast.clients.render.story.wording import counted, ended, moment_words, who
from outlast.clients.render.times import span
from outlast.clients.render.waiting import waiting_words
from outlast.core.durations import format_duration
from outlast.core.job import Details, Event, Job
from outlast.core.moments import Moment
from outlast.core.prospects import Prospects
from outlast.core.questions import open_questions
from outlast.core.status import Intent, Reason, Status
from outlast.core.view import elapsed_seconds

SILENT_MS = 10 * 60_000
"""A running job that has said nothing for so long is worth a remark."""
_LONGEST_RESULT = 200


def present_of(job: Job, details: Details, facts: Prospects) -> list[str]:
    """Return how the job stands in sentences."""
    return [sentence for sentence in _BY_STATUS[job.status](job, details, facts) if sentence]


def _queued(job: Job, details: Details, facts: Prospects) -> Iterator[str]:
    queue = "" if job.queue == "default" else f" in the queue {job.queue}"
    ahead = facts.ahead or 0
    before = f"{counted(ahead, 'job')} {'comes' if ahead == 1 else 'come'} before it"
    yield f"It is queued{queue}; {before}." if ahead else f"It is queued{queue} and is the next to begin."
    if facts.office.lives:
        running = counted(facts.running, "job") if facts.running else "nothing"
        yield f"{_supervisor(facts)} is at work and runs {running} now."
        if not facts.running and not ahead and facts.now - job.updated_at > SILENT_MS // 60:
            yield "If it does not begin soon, that supervisor serves other queues only (outlast worker --queue)."
    else:
        yield from _nobody(facts, "run it")
    yield from _code(facts)


def _running(job: Job, details: Details, facts: Prospects) -> Iterator[str]:
    since = _last(details, "claimed")
    pid = "" if details.process is None else f" in process {details.process.pid}"
    began = moment_words(since.at if since else job.updated_at, facts.now)
    yield f"{f'Attempt {job.attempt}' if job.attempt > 1 else 'It'} has run{pid} since {began}."
    yield _progress(job)
    if job.intent is not None:
        name = who(job.intent_actor or "") or "Somebody"
        verb = "cancel" if job.intent is Intent.CANCEL else "pause"
        yield f"{name} asked to {verb} it: it has the grace time (OUTLAST_GRACE) to stop, then it is killed."
    if facts.now - job.updated_at > SILENT_MS:
        yield f"It has saved and said nothing for {_span(facts.now - job.updated_at)}."
    yield from _life(facts)
    yield search_sentence(job)


def _life(facts: Prospects) -> Iterator[str]:
    """Say so if a running job's process or its supervisor is dead."""
    if facts.process_lives is False:
        if facts.office.lives:
            yield "Its process is dead; the supervisor is about to put it back."
        else:
            yield "Its process is dead, and no supervisor lives to notice."
            yield from _starting(facts, "puts it back and runs it again")
    elif not facts.office.lives:
        yield "No supervisor lives; the job computes on, and finds or starts one at its next save."


def _waiting(job: Job, details: Details, facts: Prospects) -> Iterator[str]:
    yield _FOR[job.reason or Reason.TIME](job, details, facts)
    if job.reason not in (Reason.PAUSED, Reason.INPUT) and job.waiting_info and (words := waiting_words(job)):
        yield f"It says: {words}."
    yield _progress(job)
    if job.reason in (Reason.PAUSED, Reason.INPUT) or facts.office.lives:
        return
    yield from _nobody(facts, "run it when its time comes")
    yield from _code(facts)


def _for_time(job: Job, details: Details, facts: Prospects) -> str:
    return f"It waits until {moment_words(job.wake_at, facts.now)}." if job.wake_at else "It waits."


def _for_condition(job: Job, details: Details, facts: Prospects) -> str:
    if job.gauge is not None and job.reaches is not None:
        return f"It waits until {job.gauge.replace('_', ' ')} reaches {job.reaches:,}."
    again = f"; it looks again at {moment_words(job.wake_at, facts.now)}" if job.wake_at else ""
    return f"It waits for a condition{again}."


def _for_retry(job: Job, details: Details, facts: Prospects) -> str:
    most = job.spec.policy.max_attempts
    when = f" at {moment_words(job.wake_at, facts.now)}" if job.wake_at else ""
    return f"It is tried again{when}: try {job.tries + 1} of {most}."


def _for_resume(job: Job, details: Details, facts: Prospects) -> str:
    event = _last(details, "paused")
    by = who(event.actor) if event else ""
    due = job.wake_at is not None and job.wake_at > facts.now
    then = f" It then waits until {moment_words(job.wake_at or 0, facts.now)} as before." if due else ""
    return f"It is paused{f' by {by}' if by else ''} until somebody resumes it.{then}"


def _for_input(job: Job, details: Details, facts: Prospects) -> str:
    asked = " ".join(f"“{question.text}”" for question in open_questions(job))
    return f"It waits for an answer: {asked}" if asked else "It waits for an answer."


_FOR: Mapping[Reason, Callable[[Job, Details, Prospects], str]] = {
    Reason.TIME: _for_time,
    Reason.CONDITION: _for_condition,
    Reason.RETRY: _for_retry,
    Reason.PAUSED: _for_resume,
    Reason.INPUT: _for_input,
}


def _completed(job: Job, details: Details, facts: Prospects) -> Iterator[str]:
    yield f"It completed {_when_and_how_long(job, facts)}."
    told = list(proof_sentences(job))
    yield from told
    if not told and job.result not in (None, "null"):
        result = job.result or ""
        yield f"Its result: {result}" if len(result) <= _LONGEST_RESULT else f"Its result has {len(result):,} bytes."


def _failed(job: Job, details: Details, facts: Prospects) -> Iterator[str]:
    yield ended(f"It failed {_when_and_how_long(job, facts)}: {job.error or 'without an error'}")
    if job.spec.target:
        yield _BECAUSE.get(job.reason or Reason.ERROR, "")
    if job.reason is Reason.ATTEMPTS_EXHAUSTED:
        yield f"All its {job.spec.policy.max_attempts} tries are used up."
    if "SIGKILL" in (job.error or ""):
        yield "Linux kills like this when memory runs out: look at `journalctl -k`."
    yield from proof_sentences(job)
    yield from _code(facts)
    others = 0 if facts.alike is None else facts.alike.count - 1
    if others > 0:
        yield f"{counted(others, 'other job')} failed the same way."


_BECAUSE: Mapping[Reason, str] = {
    Reason.CRASH: "Its process died again and again with nothing saved in between, so it is not started once more.",
    Reason.INTERRUPTED: "It was not run again because nobody knows whether it may be run twice (on_interrupt=fail).",
    Reason.OUT_OF_MEMORY: "It needed more memory than it may have.",
    Reason.BROADCAST_UNKNOWN: "It died while sending, and nobody can say whether the proof arrived; the proof is kept.",
}


def _cancelled(job: Job, details: Details, facts: Prospects) -> Iterator[str]:
    event = _last(details, "cancelled")
    by = who(event.actor) if event else ""
    word = "was replaced by a newer job" if job.reason is Reason.SUPERSEDED else "was cancelled"
    yield f"It {word}{f' by {by}' if by else ''} {_when_and_how_long(job, facts)}."


_BY_STATUS: Mapping[Status, Callable[[Job, Details, Prospects], Iterator[str]]] = {
    Status.QUEUED: _queued,
    Status.RUNNING: _running,
    Status.WAITING: _waiting,
    Status.COMPLETED: _completed,
    Status.FAILED: _failed,
    Status.CANCELLED: _cancelled,
}


def _when_and_how_long(job: Job, facts: Prospects) -> str:
    at = moment_words(job.completed_at or job.updated_at, facts.now)
    if job.started_at is None:
        return f"at {at}, before it had begun"
    attempts = f", in {counted(job.attempt, 'attempt')}" if job.attempt > 1 else ""
    return f"at {at}, {format_duration(elapsed_seconds(job, facts.now))} after it began{attempts}"


def _nobody(facts: Prospects, purpose: str) -> Iterator[str]:
    yield f"No supervisor lives to {purpose}."
    yield from _starting(facts, "starts one")


def _starting(facts: Prospects, deed: str) -> Iterator[str]:
    if facts.office.may_start:
        yield f"The next outlast command that submits, waits, follows or steers {deed}."
    else:
        yield "OUTLAST_AUTOSTART=0 keeps commands from starting one: somebody must run outlast worker."


def _supervisor(facts: Prospects) -> str:
    office = facts.office
    since = "" if office.since is None else f", in office for {span((facts.now - office.since) / 1000)}"
    return f"A supervisor (process {office.pid}{since})" if office.pid else "A supervisor"


def _code(facts: Prospects) -> Iterator[str]:
    if facts.code_fault:
        yield f"{facts.code_fault} It would fail like this."


def _progress(job: Job) -> str:
    if job.progress is None:
        return ""
    words = full_progress(job, bar_width=0).lstrip()
    said = f"“{job.progress.message}”" if job.progress.message else ""
    return f"It is at {', '.join(filter(None, (words, said)))}." if words or said else ""


def _span(milliseconds: Moment) -> str:
    return format_duration(milliseconds / 1000)


def _last(details: Details, word: str) -> Event | None:
    return next((event for event in reversed(details.events) if event.event == word), None)
