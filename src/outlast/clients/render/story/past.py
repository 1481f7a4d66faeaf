"""What happened to a job, from its events: one entry for each."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from outlast.clients.render.story.proof import difficulty_falls
from outlast.clients.render.story.values import Entry
from outlast.clients.render.story.wording import Saved, ended, going_on, moment_words, saved_by_attempt, who
from outlast.core.durations import format_duration
from outlast.core.errorgroups import error_group
from outlast.core.job import Details, Event, Job, Step
from outlast.core.moments import Moment
from outlast.core.policies import DEFAULT_MAX_CRASHES
from outlast.core.status import Status

COMMAND_KIND = "command"
PROVEN = "its process is proven dead"
_REBOOTED = "the machine was restarted"


def past_of(job: Job, details: Details) -> list[Entry]:
    """Return what happened, the oldest first."""
    teller = _Teller(job, details.steps, details.events)
    entries = [*teller.entries(), *_end_of_imported(job), *difficulty_falls(job)]
    return sorted(entries, key=lambda entry: entry.at)


def _end_of_imported(job: Job) -> Iterator[Entry]:
    if not job.spec.target and job.completed_at is not None:
        because = f": {job.error}" if job.error else ""
        text = ended(f"There it had {_ENDS[job.status]}{because}")
        yield Entry(at=max(job.completed_at, job.created_at), text=text, event=str(job.status), attempt=job.attempt)


_ENDS = {Status.COMPLETED: "completed", Status.FAILED: "failed", Status.CANCELLED: "been cancelled"}


class _Teller:
    """Goes through the events of a job, and remembers what the next sentence needs of the ones before."""

    def __init__(self, job: Job, steps: Sequence[Step], events: Sequence[Event]) -> None:
        self._job = job
        self._saved_by = saved_by_attempt(steps)
        self._events = events
        self._began: Moment | None = None
        self._left: Event | None = None
        self._tries = self._deaths = 0
        self._by_word: Mapping[str, Callable[[Event], str]] = {
            "submitted": self._submitted,
            "imported": lambda event: "It was taken over from an old jobs.json.",
            "claimed": self._claimed,
            "crashed": self._crashed,
            "interrupted": self._interrupted,
            "put_back": self._put_back,
            "retrying": self._retrying,
            "timed_out": self._timed_out,
            "out_of_memory": self._out_of_memory,
            "overlap skipped": lambda event: "Its schedule was due again meanwhile and skipped that time.",
            "waiting": self._waiting,
            "paused": self._paused,
            "answered": lambda event: f"{self._by(event, 'Somebody')} answered it.",
            "resumed": lambda event: f"{self._by(event, 'Somebody')} let it go on.",
            "cancelled": self._cancelled,
            "failed": self._failed,
            "completed": self._completed,
            "retried": self._retried,
            "cancel asked": lambda event: f"{self._by(event, 'Somebody')} asked to cancel it.",
            "pause asked": lambda event: f"{self._by(event, 'Somebody')} asked to pause it.",
        }

    def entries(self) -> Iterator[Entry]:
        yield from self._forgotten()
        for event in self._events:
            tell = self._by_word.get(event.event, self._anything)
            text = " ".join(filter(None, (tell(event), self._left_behind(event))))
            yield Entry(at=event.at, text=text, event=event.event, attempt=event.attempt, like=_likeness(event))

    def _forgotten(self) -> Iterator[Entry]:
        """Say that the oldest events are gone: a long history is cut."""
        first = next((event for event in self._events if event.attempt), None)
        if first is not None and first.attempt > 1:
            text = f"(What happened before attempt {first.attempt:,} is no longer in the history.)"
            yield Entry(at=first.at, text=text, event="forgotten")

    def _by(self, event: Event, nobody: str) -> str:
        return who(event.actor) or nobody

    def _took(self, event: Event) -> str:
        """Return ` after 4m 21s` of the running attempt."""
        return "" if self._began is None else f" after {format_duration((event.at - self._began) / 1000)}"

    def _saved(self, event: Event) -> str:
        """Return what an attempt that died had saved."""
        made = self._saved_by.get(event.attempt, Saved())
        is_one = made.steps + made.items == 1
        return f" {made} of it {'is' if is_one else 'are'} kept." if str(made) else ""

    def _ends(self, event: Event) -> None:
        self._began, self._left = None, event

    def _submitted(self, event: Event) -> str:
        key = f" with the key {self._job.key}" if self._job.key else ""
        name = who(event.actor)
        return f"{name} submitted it{key}." if name else f"It was submitted{key}."

    def _claimed(self, event: Event) -> str:
        left, self._left = self._left, None
        self._began = event.at
        if event.attempt <= 1:
            return "It began."
        verb = _RETURNS.get(left.event if left else "", "It began again")
        kept = sum((saved for attempt, saved in self._saved_by.items() if attempt < event.attempt), Saved())
        cursor = event.detail.get("cursor")
        words = going_on(kept, cursor if isinstance(cursor, str) else None, self._job.kind)
        # A command may have left more in its cursor file than its job had read of it.
        if not words and left is not None and left.event in _DEATHS and self._job.kind != COMMAND_KIND:
            words = "from the top: nothing had been saved"
        return f"{verb} (attempt {event.attempt}{', ' if words else ''}{words})."

    def _crashed(self, event: Event) -> str:
        took, cause = self._took(event), str(event.detail.get("cause", "it died"))
        self._ends(event)
        if cause == _REBOOTED:
            return f"The machine was restarted while it ran{took and ',' + took}.{self._saved(event)}"
        if cause.startswith("its process"):
            told = f"Its process{_pid(event)} died{took} while nobody watched."
        else:
            told = f"Its process{_pid(event)} died{took}: {cause}."
        return f"{told}{self._saved(event)}{self._counts(event)}"

    def _counts(self, event: Event) -> str:
        """Say which of the deaths this is after which the job fails; one that comes after a save is none of them."""
        if not event.detail.get("counted"):
            return ""
        self._deaths += 1
        most = self._job.spec.policy.max_crashes or DEFAULT_MAX_CRASHES
        so = ", and so it failed" if self._deaths >= most else ""
        return f" Nothing had been saved since it last died: that counts, {self._deaths} of {most}{so}."

    def _interrupted(self, event: Event) -> str:
        took = self._took(event)
        self._ends(event)
        return (
            f"It was stopped{took}, because the supervisor left or its process got SIGTERM;"
            " it may not be run twice (on_interrupt=fail), so it failed."
        )

    def _put_back(self, event: Event) -> str:
        took, had_begun = self._took(event), "pid" in event.detail
        self._ends(event)
        if had_begun:
            return f"The supervisor was told to leave, so it was stopped{took} and put back.{self._saved(event)}"
        return "It had not really begun, and was put back into the queue."

    def _try(self) -> str:
        self._tries += 1
        most = self._job.spec.policy.max_attempts
        return f" (try {self._tries} of {most})" if most > 1 else ""

    def _retrying(self, event: Event) -> str:
        took = self._took(event)
        self._ends(event)
        return ended(f"It failed{took}{self._try()}: {event.detail.get('error', '')}")

    def _failed(self, event: Event) -> str:
        took = self._took(event)
        self._ends(event)
        return ended(f"It failed{took}{self._try() if took else ''}: {event.detail.get('error', '')}")

    def _timed_out(self, event: Event) -> str:
        limit = self._job.spec.policy.timeout_seconds
        self._ends(event)
        most = "" if limit is None else f" of {format_duration(limit)}"
        return f"It ran longer than its timeout{most} and was ended{self._try()}.{self._saved(event)}"

    def _out_of_memory(self, event: Event) -> str:
        self._ends(event)
        return f"It used more memory than its limit and was ended{self._try()}.{self._saved(event)}"

    def _waiting(self, event: Event) -> str:
        took, wake_at = self._took(event), event.detail.get("wake_at")
        self._ends(event)
        until = f" until {moment_words(wake_at, event.at)}" if isinstance(wake_at, int) else ""
        if event.detail.get("reason") == "time":
            return f"It gave its process back{took}, to wait{until}."
        if event.detail.get("reason") == "input":
            return f"It asked something, and gave its process back{took} until it is answered."
        again = f" and to look again{until.replace(' until', ' at')}" if until else ""
        return f"It gave its process back{took}, to wait for its condition{again}."

    def _paused(self, event: Event) -> str:
        took, ran = self._took(event), "pid" in event.detail
        self._ends(event)
        name = who(event.actor)
        if ran:
            return f"It was stopped{took} and is paused{f', as {name} had asked' if name else ''}.{self._saved(event)}"
        return f"{name or 'Somebody'} paused it."

    def _cancelled(self, event: Event) -> str:
        took, ran = self._took(event), "pid" in event.detail
        self._ends(event)
        name = who(event.actor)
        if ran:
            return f"It was cancelled{took}{f', as {name} had asked' if name else ''}; {PROVEN}."
        return f"{name or 'Somebody'} cancelled it."

    def _completed(self, event: Event) -> str:
        took = self._took(event)
        self._ends(event)
        return f"It completed{took}."

    def _retried(self, event: Event) -> str:
        self._tries = self._deaths = 0
        self._left = event
        return f"{self._by(event, 'Somebody')} put it back into the queue."

    def _left_behind(self, event: Event) -> str:
        left = event.detail.get("left_behind")
        if not isinstance(left, list) or not left:
            return ""
        things = ", ".join(str(each).replace("_", " ") for each in left)
        return f"It left changes behind in its process ({things}), which therefore runs nothing else."

    def _anything(self, event: Event) -> str:
        details = ", ".join(f"{name} {value}" for name, value in event.detail.items())
        by = who(event.actor)
        told = f"{event.event.replace('_', ' ').capitalize()}{f' by {by}' if by else ''}"
        return ended(f"{told}: {details}" if details else told)


_RETURNS = {
    "waiting": "It went on",
    "resumed": "It went on",
    "paused": "It went on",
    "put_back": "It went on",
    "crashed": "It went on",
    "retrying": "It tried again",
    "timed_out": "It tried again",
    "out_of_memory": "It tried again",
}
"""How an attempt begins, by what ended the one before."""


_DEATHS = frozenset({"crashed", "retrying", "timed_out", "out_of_memory"})


def _likeness(event: Event) -> str:
    """Return what an event has in common with another one that tells the same once more."""
    words = (str(event.detail.get(name, "")) for name in ("error", "cause", "reason"))
    return " ".join([event.event, *map(error_group, words)])


def _pid(event: Event) -> str:
    pid = event.detail.get("pid")
    return f" ({pid})" if isinstance(pid, int) and pid > 0 else ""
