"""Following jobs: what is new at each look, and how that is shown without a terminal."""

import os
from collections.abc import Callable, Iterable, Sequence
from time import monotonic

from outlast.clients.cli.looks import Look, Shower, prefix_of, readable
from outlast.clients.cli.session import Session
from outlast.clients.cli.tail import Tail
from outlast.clients.cli.watching import end_lines, exit_code, hint, say_it_goes_on, warn_if_nobody_comes
from outlast.clients.render.story.news import news_since
from outlast.clients.render.text import visible
from outlast.clients.render.words import now_words
from outlast.core.job import Job
from outlast.core.view import job_object
from outlast.joblog import JobLog
from outlast.service import Service

LOOK_SECONDS = 0.25
"""How often followed jobs and their logs are looked at."""
LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 1.0, 30.0
_PATIENCE = 30
"""Lines about progress come at most once in a thirtieth of the time that the job is followed."""
_NEWS = "· "


def follow_to_end(session: Session, job_ids: Sequence[str], timeout: float | None, *, log_from_start: bool) -> int:
    """Show the jobs' progress and logs until all have ended, and return the exit code."""
    service = session.service()
    followed = [_Followed(service, job_id, log_from_start=log_from_start) for job_id in job_ids]
    warn_if_nobody_comes(session, job_ids)
    shower = _shower(session, several=len(job_ids) > 1)
    ended: dict[str, Job] = {}
    try:
        for jobs in service.watch(job_ids, timeout, LOOK_SECONDS):
            going = [(each, job) for each, job in zip(followed, jobs, strict=True) if job.id not in ended]
            shower.show([each.look(job) for each, job in going])
            for job in (job for _, job in going if job.status.is_end):
                ended[job.id] = job
                shower.end(job)
    except KeyboardInterrupt:
        shower.close()
        say_it_goes_on(session, "follow", [job_id for job_id in job_ids if job_id not in ended])
        raise
    finally:
        shower.close()
    return exit_code(list(ended.values()))


def _shower(session: Session, *, several: bool) -> Shower:
    if session.json:
        return _JsonShower(session)
    if session.on_terminal and os.environ.get("TERM", "dumb") != "dumb":
        from outlast.clients.cli.live import LiveShower

        return LiveShower(session, several=several)
    return PlainShower(session, several=several)


class _Followed:
    """One job, what of it was shown already, and its log."""

    def __init__(self, service: Service, job_id: str, *, log_from_start: bool) -> None:
        self._service = service
        self._tail = Tail(JobLog(service.places, job_id), from_start=log_from_start)
        self._rest = b""
        self._sign: object = None
        self._seen = 0
        self._is_first = not log_from_start

    def look(self, job: Job) -> Look:
        """Return what is new; a line that is not complete yet waits for its end, unless the job has ended."""
        return Look(job=job, lines=self._lines(is_last=job.status.is_end), news=self._news(job))

    def _lines(self, *, is_last: bool) -> list[bytes]:
        lines: list[bytes] = []
        while grown := self._tail.read():
            *complete, self._rest = (self._rest + grown).split(b"\n")
            lines += complete
        if is_last and self._rest:
            lines.append(self._rest)
            self._rest = b""
        return lines

    def _news(self, job: Job) -> list[str]:
        """Return what happened since the last look; of what was before the first one nothing."""
        sign = (job.status, job.reason, job.attempt, job.intent)
        if sign == self._sign:
            return []
        self._sign = sign
        news, self._seen = news_since(job, self._service.details(job), self._seen)
        is_first, self._is_first = self._is_first, False
        return [] if is_first else news


class _JsonShower:
    """Prints a job object whenever it has changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seen: dict[str, Job] = {}

    def show(self, looks: Sequence[Look]) -> None:
        for look in looks:
            if self._seen.get(look.job.id) != look.job:
                self._seen[look.job.id] = look.job
                self._session.print_json(job_object(look.job), stream=True)

    def end(self, job: Job) -> None:
        """Do nothing: the job object says it."""

    def close(self) -> None:
        """Do nothing: lines stay."""


class Pace:
    """How often a line about a job may come: a new status soon, progress the more rarely the longer it takes."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._last: float | None = None
        self._phase = ""
        self._words = ""

    def allows(self, phase: str, words: str, now: float) -> bool:
        """Tell whether to print `words` now, and note that they are printed."""
        if words == self._words:
            return False
        pause = LEAST_PAUSE_SECONDS
        if phase == self._phase:
            pause = min(MOST_PAUSE_SECONDS, max(pause, (now - self._began) / _PATIENCE))
        if self._last is not None and now - self._last < pause:
            return False
        self._last, self._phase, self._words = now, phase, words
        return True


class PlainShower:
    """Prints log lines and news as they come, and now and then how far a job is."""

    def __init__(self, session: Session, *, several: bool, clock: Callable[[], float] = monotonic) -> None:
        self._session = session
        self._several = several
        self._clock = clock
        self._paces: dict[str, Pace] = {}

    def show(self, looks: Sequence[Look]) -> None:
        for look in looks:
            self._log(look)
            prefix = prefix_of(look.job, several=self._several)
            self._session.print_lines(f"{prefix}{_NEWS}{visible(text)}" for text in look.news)
            if not look.job.status.is_end:
                self._session.print_lines(self._progress(look.job, prefix))
        self._session.write("", flush=True)

    def _log(self, look: Look) -> None:
        prefix = prefix_of(look.job, several=self._several).encode()
        if self._session.on_terminal:
            self._session.print_lines(f"{prefix.decode()}{line}" for line in readable(look.lines))
        else:
            self._session.write(b"".join(prefix + line + b"\n" for line in look.lines))

    def _progress(self, job: Job, prefix: str) -> Iterable[str]:
        now = self._clock()
        pace = self._paces.setdefault(job.id, Pace(now))
        still = now_words(job, None)
        if pace.allows(f"{job.status} {job.reason} {job.intent}", still, now):
            yield prefix + now_words(job, self._session.now())

    def end(self, job: Job) -> None:
        self._session.print_lines(end_lines(self._session, job))
        self._session.write("", flush=True)
        hint(self._session, job)

    def close(self) -> None:
        """Do nothing: lines stay."""
