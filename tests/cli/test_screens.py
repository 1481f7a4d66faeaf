"""Every screen, at 80 columns, of values that never change."""

from dataclasses import replace

import pytest

from outlast.clients.render.details import details_screen
from outlast.clients.render.jobs import Screen, job_list, job_screen, stats_screen
from outlast.clients.render.paint import Paint
from outlast.core.job import Details, Event, Home, Job, ProcessIdentity, Progress, Spec, Stats, Step, StepKind
from outlast.core.policies import Policy
from outlast.core.status import Intent, Reason, Status
from tests.cli.screens import check_screen

NOW = 1_758_400_000_000
MINUTE = 60_000
SCREEN = Screen(width=80, now=NOW, paint=Paint())
HOME = Home(interpreter="/usr/bin/python3", path=("/srv/app",), cwd="/srv/app", env={"OUTLAST_GRACE": "1s"})


def job(number: int, kind: str, status: Status, **fields: object) -> Job:
    """Return a job that was submitted `number` minutes ago, and runs since then if it ever did."""
    created = NOW - number * MINUTE
    plain: dict[str, object] = {
        "seq": 100 - number,
        "id": f"{kind}_{created}_{number:08x}00000000",
        "status": status,
        "spec": Spec(kind=kind, target=f"jobs:{kind}", policy=Policy(), home=HOME),
        "created_at": created,
        "updated_at": created,
        "started_at": None if status in (Status.QUEUED, Status.WAITING) else created,
        "completed_at": created + 4_200 if status.is_end else None,
        "attempt": 0 if status is Status.QUEUED else 1,
    }
    return Job(**{**plain, **fields})  # type: ignore[arg-type]


HALF = Progress(done=620, total=1_000, message="page 620", rate=1.25, updated_at=NOW)
JOBS = [
    job(0, "mirror", Status.QUEUED, key="mirror:2025-09-20", account="alice@example.org"),
    job(1, "mirror", Status.RUNNING, progress=HALF, account="alice@example.org"),
    job(2, "count", Status.RUNNING, progress=Progress(done=1_234_567)),
    job(3, "mirror", Status.RUNNING, intent=Intent.CANCEL),
    job(4, "nightly-report", Status.WAITING, reason=Reason.TIME, wake_at=NOW + 90 * MINUTE),
    job(5, "pow", Status.WAITING, reason=Reason.CONDITION, progress=HALF),
    job(6, "mail", Status.WAITING, reason=Reason.RETRY, wake_at=NOW + 4_000, tries=1, error="OSError: refused"),
    job(70, "command", Status.COMPLETED, result='{"exit_code":0}'),
    job(1_500, "mirror", Status.FAILED, reason=Reason.ATTEMPTS_EXHAUSTED, error="ValueError: no good at all, really"),
    job(20_000, "crawl", Status.FAILED, reason=Reason.OUT_OF_MEMORY, error="killed by SIGKILL"),
    job(900_000, "crawl", Status.CANCELLED, reason=Reason.USER),
]


def text(lines: list[str]) -> str:
    """Return lines as they stand on the screen."""
    return "".join(f"{line}\n" for line in lines)


def test_the_list_of_jobs() -> None:
    check_screen("list", text(job_list(JOBS, SCREEN)))


def test_the_list_of_jobs_with_names_that_are_wide_or_hostile() -> None:
    hostile = [
        job(1, "mirror", Status.RUNNING, account="日本語のアカウント名がここに", key="k" * 300),
        job(2, "mirror", Status.RUNNING, account="\x1b[31mred\x07\nnew line", key="\u202egnirts"),
        job(3, "mirror", Status.RUNNING, progress=Progress(message="é" * 60 + "👩‍👩‍👧‍👦")),
        job(4, "k" * 100, Status.FAILED, reason=Reason.BROADCAST_UNKNOWN, error="\x9b2J\ud800\ttab"),
        replace(job(5, "mirror", Status.COMPLETED), id="../../etc/passwd"),
    ]

    check_screen("list-hostile", text(job_list(hostile, SCREEN)))


def test_the_list_of_jobs_in_colour() -> None:
    painted = replace(SCREEN, paint=Paint(on=True))

    check_screen("list-colour", text(job_list(JOBS[:9], painted)))


def test_a_narrow_list_of_jobs() -> None:
    lines = job_list(JOBS, replace(SCREEN, width=60))

    check_screen("list-narrow", text(lines))
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize("number", range(len(JOBS)))
def test_the_screen_of_a_job(number: int) -> None:
    shown = JOBS[number]

    check_screen(f"show-{number:02}-{shown.status}", text(job_screen(shown, SCREEN)))


def test_the_screen_of_a_job_with_everything() -> None:
    full = job(
        12,
        "pow",
        Status.WAITING,
        reason=Reason.CONDITION,
        attempt=3,
        tries=2,
        crashes=1,
        key="proof:1",
        account="alice@example.org",
        labels={"env": "prod", "team": "blue"},
        queue="slow",
        priority=5,
        wake_at=NOW + 5_000,
        progress=HALF,
        waiting_info={"current_age": 7, "target_age": 10, "blocks_remaining": 3},
        result='{"nonce":"12345"}',
        extra={"difficulty_info": {"current_difficulty": 9}},
    )

    check_screen("show-everything", text(job_screen(full, SCREEN)))


def test_the_details_of_a_job() -> None:
    details = Details(
        args='{"args":[1,"two"],"kwargs":{"urls":["https://example.org"]}}',
        cursor='{"page":620}',
        traceback='Traceback (most recent call last):\n  File "jobs.py", line 1\nValueError: no good\n',
        steps=tuple(
            Step(name=f"fetch page {n}", kind=StepKind.STEP, result=f'"{n * 40 * "x"}"', duration_ms=n * 700.0)
            for n in range(30)
        ),
        events=(
            Event(event="submitted", actor="cli:alice", at=NOW - 12 * MINUTE),
            Event(event="claimed", attempt=1, at=NOW - 11 * MINUTE, detail={"process": "p0123456789abcdef"}),
            Event(event="failed", attempt=1, at=NOW, detail={"error": "ValueError: no good at all, and then some"}),
        ),
        process=ProcessIdentity(id="p0123456789abcdef", pid=4711, start_ticks=1, boot_id="b", pid_namespace="n"),
    )

    check_screen("show-verbose", text(details_screen(JOBS[1], details, SCREEN)))


def test_the_counts() -> None:
    stats = Stats(
        by_status={Status.QUEUED: 12, Status.COMPLETED: 1_234_567, Status.FAILED: 3},
        by_kind={
            "mirror": {Status.QUEUED: 12, Status.COMPLETED: 34_567},
            "k" * 60: {Status.COMPLETED: 1_200_000, Status.FAILED: 3},
        },
        oldest_queued_at=NOW - 200_000,
    )

    check_screen("stats", text(stats_screen(stats, SCREEN)))
