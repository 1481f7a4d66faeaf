"""Jobs of every fate, with the events that led there: what the stories and screens of the tests are about."""

import json
from dataclasses import replace
from typing import Any

from outlast.core.figures import FailureGroup
from outlast.core.job import Details, Event, Home, Job, ProcessIdentity, Progress, Spec, Step, StepKind
from outlast.core.policies import Policy
from outlast.core.prospects import Office, Prospects
from outlast.core.status import Intent, Reason, Status
from tests.cli.test_screens import MINUTE, NOW, job

SECOND = 1_000
OFFICE = Office(lives=True, pid=42, since=NOW - 120 * MINUTE)
NOBODY = Office(lives=False)
FORBIDDEN = Office(lives=False, may_start=False)
FACTS = Prospects(now=NOW, office=OFFICE, has_log=True)
PROCESS = ProcessIdentity(id="p1", pid=4711, start_ticks=1, boot_id="b", pid_namespace="n")


def events(*told: tuple[Any, ...]) -> tuple[Event, ...]:
    """Return events of (seconds ago, word, attempt, detail, actor), the last two as needed."""
    made = []
    for ago, word, attempt, *rest in told:
        detail = rest[0] if rest else {}
        actor = rest[1] if len(rest) > 1 else ""
        made.append(Event(event=word, attempt=attempt, at=NOW - ago * SECOND, detail=detail, actor=actor))
    return tuple(made)


def details(*told: tuple[Any, ...], **fields: Any) -> Details:
    plain = {"args": "{}", "cursor": None, "traceback": None, "steps": (), "process": None}
    return Details(**{**plain, "events": events(*told), **fields})


def steps(attempt: int, count: int, kind: StepKind = StepKind.STEP) -> tuple[Step, ...]:
    return tuple(Step(name=f"{kind} {n}", kind=kind, result="1", duration_ms=1, attempt=attempt) for n in range(count))


def with_rules(told: Job, **rules: Any) -> Job:
    return told._replace(spec=told.spec._replace(policy=Policy(**rules)))


def failed() -> tuple[Job, Details, Prospects]:
    told = with_rules(
        job(12, "mirror", Status.FAILED, reason=Reason.ATTEMPTS_EXHAUSTED, attempt=3, tries=2, key="mirror:2025-09-20"),
        max_attempts=2,
    )
    told = told._replace(error="OSError: refused by alice@example.org", completed_at=NOW - 60_000)
    alike = FailureGroup(group="g", count=12, kept=5, oldest_at=0, newest_at=NOW, example_id="x")
    history = details(
        (720, "submitted", 0, {}, "cli:alice"),
        (719, "claimed", 1),
        (600, "crashed", 1, {"pid": 17, "cause": "killed by SIGSEGV", "counted": False}),
        (599, "claimed", 2, {"cursor": '{"page": 620, "row": 5}'}),
        (500, "retrying", 2, {"error": "OSError: refused by bob@example.org"}),
        (490, "claimed", 3, {"cursor": '{"page": 1400, "row": 1}'}),
        (60, "failed", 3, {"error": "OSError: refused by alice@example.org", "left_behind": ["cwd", "threads"]}),
        steps=(*steps(1, 12), *steps(1, 40, StepKind.ITEM), *steps(2, 1)),
        cursor='{"page": 1400, "row": 1}',
        traceback="Traceback",
    )
    return told, history, replace(FACTS, alike=alike)


def crashed() -> tuple[Job, Details, Prospects]:
    told = job(3, "leak", Status.FAILED, reason=Reason.CRASH, attempt=2, crashes=2, error="killed by SIGKILL")
    history = details(
        (180, "submitted", 0, {}, "library:alice"),
        (179, "claimed", 1),
        (170, "crashed", 1, {"pid": 17, "cause": "killed by SIGKILL", "counted": True}),
        (169, "claimed", 2),
        (100, "crashed", 2, {"pid": 18, "cause": "killed by SIGKILL", "counted": True}),
    )
    return with_rules(told._replace(completed_at=NOW - 100_000), max_crashes=2), history, FACTS


def resumed() -> tuple[Job, Details, Prospects]:
    progress = Progress(done=6_200, total=10_000, message="page 620", rate=1.25)
    told = job(600, "mirror", Status.RUNNING, attempt=3, progress=progress, updated_at=NOW - 2_000)
    history = details(
        (36_000, "submitted", 0, {}, "mcp:agent"),
        (35_000, "claimed", 1),
        (20_000, "crashed", 1, {"pid": 17, "cause": "the machine was restarted", "counted": False}),
        (10_000, "claimed", 2, {"cursor": "2100"}),
        (9_000, "put_back", 2, {"pid": 18}),
        (660, "claimed", 3, {"cursor": "4200"}),
        steps=steps(1, 1),
        process=PROCESS,
    )
    return told, history, replace(FACTS, process_lives=True, running=1)


def polling() -> tuple[Job, Details, Prospects]:
    polls: list[tuple[Any, ...]] = []
    for attempt in range(1, 201):
        ago = 1_000 - attempt * 5
        polls.append((ago + 1, "claimed", attempt))
        detail = {"reason": "condition", "wake_at": NOW - (ago - 5) * SECOND}
        polls.append((ago, "waiting", attempt, detail))
    told = job(20, "wait_for_file", Status.WAITING, reason=Reason.CONDITION, attempt=200, wake_at=NOW + 5_000)
    told = told._replace(waiting_info={"path": "/srv/answer.txt"})
    return told, details((1_200, "submitted", 0, {}, "cli:alice"), *polls), replace(FACTS, office=NOBODY)


def gauge() -> tuple[Job, Details, Prospects]:
    info = {"current_age": 7, "target_age": 1200, "blocks_remaining": 1193}
    told = job(5, "pow", Status.WAITING, reason=Reason.CONDITION, waiting_info=info, gauge="block_height", reaches=2200)
    history = details(
        (300, "submitted", 0, {}, "mcp:agent"),
        (299, "claimed", 1),
        (298, "waiting", 1, {"reason": "condition", "wake_at": None}),
    )
    return told, history, FACTS


FALLS = [
    {"old_difficulty": 9, "new_difficulty": 8, "current_age": 1200, "iteration": 1_000_000, "timestamp": NOW - 200_000},
    {
        "old_difficulty": 8,
        "new_difficulty": 7,
        "current_age": 1300,
        "iteration": 2_500_000,
        "timestamp": "2025-09-20T20:24:40.000Z",
    },
]
PROOF = {"hash": "0000000abc" + "f" * 54, "nonce": "2500123", "iterations": 2_500_124, "valid": True}
SENT = {"transaction_hash": "0xab12", "status": "broadcast", "message": "Transaction broadcast successfully"}


def proof() -> tuple[Job, Details, Prospects]:
    result = {"job_id": "x", "proof_of_work": PROOF, "difficulty_updates": FALLS, "transaction": SENT}
    told = job(6, "pow", Status.COMPLETED, attempt=3, result=json.dumps(result), completed_at=NOW - 30_000)
    history = details(
        (360, "submitted", 0, {}, "mcp:agent"),
        (359, "claimed", 1),
        (250, "crashed", 1, {"pid": 17, "cause": "killed by SIGKILL", "counted": False}),
        (249, "claimed", 2, {"cursor": '{"nonce": 900000, "iterations": 900000, "computation_ms": 99000}'}),
        (30, "completed", 2),
    )
    return told, history, FACTS


def unknown_broadcast() -> tuple[Job, Details, Prospects]:
    result = {"proof_of_work": PROOF}
    told = job(
        6,
        "pow",
        Status.FAILED,
        reason=Reason.BROADCAST_UNKNOWN,
        result=json.dumps(result),
        error="BroadcastUnknown: no answer",
    )
    history = details((360, "submitted", 0), (359, "claimed", 1), (30, "failed", 1, {"error": told.error}))
    return told, history, replace(FACTS, has_log=False)


def queued() -> tuple[Job, Details, Prospects]:
    told = job(1, "mail", Status.QUEUED, queue="slow")
    facts = replace(FACTS, office=FORBIDDEN, ahead=12, code_fault="Its code, /srv/app/jobs.py, is not there.")
    return told, details((60, "submitted", 0, {}, "job:parent_1700000000000_0123456789abcdef")), facts


def starved() -> tuple[Job, Details, Prospects]:
    return job(1, "mail", Status.QUEUED), details((60, "submitted", 0, {}, "web:alice")), replace(FACTS, ahead=0)


def imported() -> tuple[Job, Details, Prospects]:
    told = job(90, "pow", Status.FAILED, reason=Reason.INTERRUPTED, error="Job was interrupted by system shutdown")
    spec = Spec(kind="pow", target="", policy=Policy(), home=Home(interpreter="", path=(), cwd=""))
    told = told._replace(spec=spec, attempt=1)
    return told, details((5_400, "imported", 0, {}, "import")), replace(FACTS, has_log=False)


def paused() -> tuple[Job, Details, Prospects]:
    told = job(30, "mirror", Status.WAITING, reason=Reason.PAUSED, wake_at=NOW + 90 * MINUTE, attempt=1)
    history = details(
        (1_800, "submitted", 0, {}, "cli:alice"),
        (1_799, "claimed", 1),
        (1_700, "waiting", 1, {"reason": "time", "wake_at": NOW + 90 * MINUTE}),
        (60, "paused", 1, {}, "web:bob"),
    )
    return told, history, FACTS


def stopping() -> tuple[Job, Details, Prospects]:
    told = job(
        40, "crunch", Status.RUNNING, intent=Intent.CANCEL, intent_actor="cli:alice", updated_at=NOW - 30 * MINUTE
    )
    history = details(
        (2_400, "submitted", 0, {}, "cli:alice"),
        (2_399, "claimed", 1),
        (2, "cancel asked", 1, {}, "cli:alice"),
        process=PROCESS,
    )
    return told, history, replace(FACTS, process_lives=True)


def deserted() -> tuple[Job, Details, Prospects]:
    told = job(40, "crunch", Status.RUNNING)
    history = details((2_400, "submitted", 0), (2_399, "claimed", 1), process=PROCESS)
    return told, history, replace(FACTS, process_lives=False, office=NOBODY)


def cancelled() -> tuple[Job, Details, Prospects]:
    told = job(4, "mirror", Status.CANCELLED, reason=Reason.USER, completed_at=NOW - 100_000)
    history = details(
        (240, "submitted", 0, {}, "cli:alice"),
        (239, "claimed", 1),
        (103, "cancel asked", 1, {}, "cli:alice"),
        (100, "cancelled", 1, {"pid": 17}, "cli:alice"),
        steps=steps(1, 2),
    )
    return told, history, FACTS


def interrupted() -> tuple[Job, Details, Prospects]:
    told = job(4, "command", Status.FAILED, reason=Reason.INTERRUPTED, error="Job was interrupted by system shutdown")
    history = details(
        (240, "submitted", 0, {}, "cli:alice"),
        (239, "claimed", 1),
        (100, "interrupted", 1, {"pid": 17, "cause": "killed by SIGTERM", "counted": True}),
        cursor="17",
    )
    return with_rules(told._replace(completed_at=NOW - 100_000), on_interrupt="fail"), history, FACTS


def hostile() -> tuple[Job, Details, Prospects]:
    error = "\x1b[31mError\x07: " + "日本語" * 40 + "\nline two \u202e" + "x" * 500
    told = job(1, "evil", Status.FAILED, reason=Reason.ERROR, error=error, key="\x1b]0;title\x07")
    history = details(
        (60, "submitted", 0, {}, "cli:\x1b[2Jmallory"),
        (59, "claimed", 7),
        (50, "failed", 7, {"error": error}),
        (40, "ran_off", 7, {"where": "\x1b[1mto"}, "x"),
    )
    return told, history, FACTS


STORIES = [
    failed,
    crashed,
    resumed,
    polling,
    gauge,
    proof,
    unknown_broadcast,
    queued,
    starved,
    imported,
    paused,
    stopping,
    deserted,
    cancelled,
    interrupted,
    hostile,
]
