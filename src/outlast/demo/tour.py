"""The tour itself: four strikes at saved points, and what is checked after each."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from outlast.core.job import Job, ProcessIdentity
from outlast.core.view import job_object
from outlast.demo.activities import ACCOUNT, NAMES
from outlast.demo.claims import Kill, Report, Witness
from outlast.demo.fresh import FreshProcess
from outlast.demo.proof import judge_proof
from outlast.demo.puzzles import BLOCK_START, ZEROS, KnownSearch, choose, hashes_per_second
from outlast.demo.stage import Audience, Missed, Sight, Stage, private_environment
from outlast.engine.identity import is_alive

JOB_PROCESS = "job process"
SUPERVISOR = "supervisor"
SEARCH = "search"
ACTIVITIES = "activities"
STEPS_BEFORE_FIRST_STRIKE = 4
STEPS_BEFORE_SECOND_STRIKE = 6
_BEGAN = re.compile(r"Attempt \d+ searches .* from nonce (\d+) on")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a person is shown at the end: the report, how long it took, and what jobs.json and the checklist said."""

    report: Report
    seconds: float
    directory: Path
    view: dict[str, Any]
    checklist: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Victim:
    """A process to kill: its role, the job it runs, and which process it is."""

    role: str
    job: str | None
    identity: ProcessIdentity

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.role if self.job is None else f'{self.role} of the {self.job}'}, pid {self.identity.pid}"


def tour(audience: Audience, *, keep: bool = False) -> Outcome:
    """Run the demo in a directory of its own; with `keep` the directory stays. Whatever happens, no process stays."""
    began = monotonic()
    directory = Path(tempfile.mkdtemp(prefix="outlast-demo-")).resolve()
    try:
        with private_environment(directory):
            guide = Guide(Stage(directory, audience), audience)
            try:
                guide.lead()
            finally:
                guide.leave(keep=keep)
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)
    return Outcome(guide.report, monotonic() - began, directory, guide.view, guide.checklist)


class Guide:
    """Leads through the tour and keeps the report."""

    def __init__(self, stage: Stage, audience: Audience) -> None:
        self.report = Report()
        self.view: dict[str, Any] = {}
        self.checklist: dict[str, Any] = {}
        self._stage = stage
        self._audience = audience
        self._finished: list[tuple[int, tuple[str, ...]]] = []
        self._nonces_at_kill: list[int] = []

    def lead(self) -> None:
        """Go through all acts; what is not reached is told in the report."""
        rate = hashes_per_second()
        known = choose(rate)
        self._introduce(known, rate)
        try:
            self._stage.submit(known)
            self._strike_the_activities()
            self._strike_the_supervisor()
            self._strike_the_search()
            self._strike_everything()
            self._check_the_end(known)
        except Missed as missed:
            self.report.missed = str(missed)
            self.report.judge(missed.claim, False, missed=str(missed))
            self._audience.say("missed", str(missed))

    def leave(self, *, keep: bool) -> None:
        """End what still runs, and check that nothing is left."""
        directory = self._stage.directory
        left = self._stage.stop(keep=keep)
        gone = keep or not directory.exists()
        self.report.judge("clean", not left and gone, processes_left=left, directory=str(directory), kept=keep)

    def _introduce(self, known: KnownSearch, rate: float) -> None:
        self._audience.say(
            "search", f'sha256("{known.request.puzzle(BLOCK_START).prefix}…") that begins with {ZEROS} zeros'
        )
        self._audience.say("", f"first nonce known: {known.hit:,}; {rate / 1e6:.1f} M hashes/s here")
        self._audience.say("activities", f"a checklist of {len(NAMES)}; each also leaves a line in an outside file")

    def _strike_the_activities(self) -> None:
        sight = self._stage.until(
            "saved",
            f"{STEPS_BEFORE_FIRST_STRIKE} activities",
            lambda now: len(now.steps) >= STEPS_BEFORE_FIRST_STRIKE and now.activities_process,
            _both_run,
        )
        before = self._kill(_victims(sight, ACTIVITIES))
        after = self._stage.until(
            "activities",
            "the next activity",
            lambda now: now.activities.attempt > before.activities.attempt and len(now.steps) > len(before.steps),
            lambda now: now.activities.status != "failed",
        )
        self._resumed(after, 1, f"the activities, attempt {after.activities.attempt}")
        self.report.judge(
            "activities",
            after.steps[: len(before.steps)] == before.steps
            and after.activities.process_id != sight.activities.process_id,
            attempt=after.activities.attempt,
            processes=[_pid(sight.activities_process), _pid(after.activities_process)],
            saved_before=list(before.steps),
            saved_after=list(after.steps),
        )

    def _strike_the_supervisor(self) -> None:
        sight = self._stage.until(
            "saved",
            f"{STEPS_BEFORE_SECOND_STRIKE} activities and a nonce",
            lambda now: len(now.steps) >= STEPS_BEFORE_SECOND_STRIKE and now.nonce > 0 and now.supervisor,
            _both_run,
        )
        self.report.judge("saved", True, nonce=sight.nonce, activities=list(sight.steps))
        before = self._kill(_victims(sight, SUPERVISOR))
        after = self._stage.until(
            "supervisor",
            "a new supervisor that saves",
            lambda now: (
                _another(now.supervisor, before.supervisor)
                and now.nonce > before.nonce
                and len(now.steps) > len(before.steps)
            ),
            _search_runs,
        )
        self._resumed(after, 1, f"supervisor {_pid(after.supervisor)} saves for the same two job processes")
        self.report.judge(
            "supervisor",
            _lives_on(before.search, after.search) and _lives_on(before.activities, after.activities),
            supervisors=[_pid(before.supervisor), _pid(after.supervisor)],
            search_process=_pid(after.search_process),
            activities_process=_pid(after.activities_process),
            attempts=[after.search.attempt, after.activities.attempt],
        )

    def _strike_the_search(self) -> None:
        sight = self._stage.until("search", "a running search", lambda now: now.search_process, _search_runs)
        before = self._kill(_victims(sight, SEARCH))
        after = self._stage.until("search", "a later nonce", _later_than(before), _search_has_not_failed)
        self._resumed(after, 1, f"the search, attempt {after.search.attempt}")
        self._check_where_it_went_on()

    def _strike_everything(self) -> None:
        sight = self._stage.until(
            "everything", "a running search", lambda now: now.search_process and now.supervisor, _search_runs
        )
        victims = _victims(sight, SUPERVISOR, SEARCH, ACTIVITIES)
        before = self._kill(victims)
        self._ask_with_nothing_alive(before)
        with FreshProcess("wait", self._stage.search_id, "--json") as client:
            after = self._stage.until("everything", "a later nonce", _later_than(before), _search_has_not_failed)
            self._resumed(after, len(victims), f"by `outlast wait` (pid {client.pid}): attempt {after.search.attempt}")
            self._check_where_it_went_on()
            ended = self._stage.until("everything", "the end of both", _both_ended)
            answer = client.answer()
        self._audience.say("finished", f"the search after {ended.nonce:,} nonces, and all activities")
        self.report.judge(
            "everything",
            client.exit_code == 0 and answer == job_object(ended.search),
            status=answer.get("status"),
            attempts=answer.get("attempts"),
            **client.as_evidence(),
        )

    def _ask_with_nothing_alive(self, before: Sight) -> None:
        """Let a fresh process tell the state while no process of the demo lives."""
        self._stage.until("asked", "idle processes to leave", lambda _: not self._stage.living())
        with FreshProcess("show", self._stage.search_id, "--verbose", "--json") as client:
            answer = client.answer()
        nonce = (answer.get("cursor") or {}).get("nonce", 0)
        alive = sorted(self._stage.living())
        self._audience.say("asked", f"`outlast show` (pid {client.pid}): {answer.get('status')}, nonce {nonce:,}")
        self.report.judge(
            "asked",
            client.exit_code == 0 and nonce == before.nonce and not alive,
            status=answer.get("status"),
            nonce=nonce,
            nonce_in_store=before.nonce,
            alive=alive,
            **client.as_evidence(),
        )

    def _kill(self, victims: Sequence[Victim]) -> Sight:
        """Kill processes at this saved point and return what was saved when they were dead."""
        self._stage.kill(*(victim.identity for victim in victims))
        lines = len(self._stage.testimony())
        sight = self._stage.look()
        self._finished.append((lines, sight.steps))
        for victim in victims:
            kill = Kill(
                pid=victim.identity.pid,
                role=victim.role,
                job=victim.job,
                nonce_before=sight.nonce,
                steps_before=len(sight.steps),
            )
            self.report.kills.append(kill)
            self._audience.say("SIGKILL", victim.name)
            if victim.job == SEARCH:
                self._nonces_at_kill.append(sight.nonce)
        self._audience.say("", _saved(sight))
        return sight

    def _resumed(self, after: Sight, kills: int, text: str) -> None:
        """Note the first newer saves after the last `kills`."""
        self.report.kills[-kills:] = [
            replace(kill, nonce_after=after.nonce, steps_after=len(after.steps)) for kill in self.report.kills[-kills:]
        ]
        self._audience.say("resumed", text)
        self._audience.say("", _saved(after))

    def _check_where_it_went_on(self) -> None:
        """Compare where each attempt began, as its log says, with what was saved at the kill before."""
        begun = [int(nonce) for nonce in _BEGAN.findall(self._stage.log_of(self._stage.look().search))]
        saved = self._nonces_at_kill
        self.report.judge(
            "search", begun == [0, *saved] and all(saved), attempts_began_at=begun, saved_at_kill=list(saved)
        )

    def _check_the_end(self, known: KnownSearch) -> None:
        sight = self._stage.look()
        self._check_the_activities(sight)
        judge_proof(self.report, json.loads(sight.search.result or "{}"), known)
        self._check_the_view(sight)

    def _check_the_checklist(self) -> None:
        """Read the JSON of the checklist as a person does."""
        path = self._stage.checklist
        self.checklist = json.loads(path.read_text()) if path.exists() else {}
        shown = (self.checklist.get("account"), self.checklist.get("date"), self.checklist.get("remaining"))
        self.report.judge(
            "checklist",
            shown == (ACCOUNT, self._stage.day, []) and sorted(self.checklist["completed"]) == sorted(NAMES),
            file=str(path),
            bytes=path.stat().st_size if path.exists() else 0,
            completed=self.checklist.get("completed"),
        )

    def _check_the_activities(self, sight: Sight) -> None:
        witness = Witness(self._stage.testimony())
        redone, repeated = witness.redone(self._finished), witness.repeated()
        most = sum(kill.job == ACTIVITIES for kill in self.report.kills)
        self.report.judge(
            "redone",
            bool(witness.lines) and not redone and len(repeated) <= most,
            finished_and_redone=redone,
            in_flight_and_repeated=repeated,
            most_that_may_repeat=most,
            lines=len(witness.lines),
        )
        done = set(witness.names) == set(NAMES) and set(sight.steps) == set(NAMES)
        self.report.judge("ten", done and sight.activities.status == "completed", activities=list(sight.steps))
        self._check_the_checklist()

    def _check_the_view(self, sight: Sight) -> None:
        """Read jobs.json from the disk; it may be a second behind."""
        path = self._stage.service.places.view
        wanted = {job.id: ("completed", job_object(job)["result"]) for job in (sight.search, sight.activities)}

        def shows_both(_: Sight) -> bool:
            self.view = json.loads(path.read_text()) if path.exists() else {}
            return {name: (job["status"], job.get("result")) for name, job in self.view.items()} == wanted

        self._stage.until("view", "both results in jobs.json", shows_both)
        self.report.judge("view", True, file=str(path), bytes=path.stat().st_size, jobs=sorted(wanted))


def _victims(sight: Sight, *names: str) -> list[Victim]:
    """Return those of the named processes that there are."""
    everyone = {
        SUPERVISOR: (SUPERVISOR, None, sight.supervisor),
        SEARCH: (JOB_PROCESS, SEARCH, sight.search_process),
        ACTIVITIES: (JOB_PROCESS, ACTIVITIES, sight.activities_process),
    }
    chosen = (everyone[name] for name in names)
    return [Victim(role, job, identity) for role, job, identity in chosen if identity is not None]


def _lives_on(before: Job, after: Job) -> bool:
    """Tell whether a job went on in the same attempt and process, or has ended in it."""
    return after.attempt == before.attempt and (after.status.is_end or after.process_id == before.process_id)


def _saved(sight: Sight) -> str:
    return f"saved: nonce {sight.nonce:,}, {len(sight.steps)} of {len(NAMES)} activities"


def _both_run(now: Sight) -> bool:
    return not now.search.status.is_end and not now.activities.status.is_end


def _search_runs(now: Sight) -> bool:
    return not now.search.status.is_end


def _search_has_not_failed(now: Sight) -> bool:
    return now.search.status != "failed"


def _later_than(before: Sight) -> Callable[[Sight], bool]:
    return lambda now: now.search.attempt > before.search.attempt and now.nonce > before.nonce


def _both_ended(now: Sight) -> bool:
    return now.search.status.is_end and now.activities.status.is_end


def _another(now: ProcessIdentity | None, before: ProcessIdentity | None) -> bool:
    return now is not None and now != before and is_alive(now)


def _pid(identity: ProcessIdentity | None) -> int:
    return 0 if identity is None else identity.pid
