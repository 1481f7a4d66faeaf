"""Every screen, at 80 columns, of values that never change."""

from dataclasses import replace

import pytest

from outlast.clients.render.details import details_screen
from outlast.clients.render.failures import group_list, group_screen
from outlast.clients.render.jobs import Screen, job_list, job_screen
from outlast.clients.render.paint import Paint
from outlast.clients.render.stats import overview_object, overview_screen, size, sparkline
from outlast.core.figures import Durations, FailureGroup, Figures, Span
from outlast.core.job import Details, Event, Home, Job, ProcessIdentity, Progress, Spec, Stats, Step, StepKind
from outlast.core.policies import Policy
from outlast.core.prospects import Office
from outlast.core.status import Intent, Reason, Status
from outlast.lookout import Overview, nothing
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
    job(5, "pow", Status.WAITING, reason=Reason.CONDITION, waiting_info={"current_age": 7, "target_age": 10}),
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
        job(5, "mirror", Status.COMPLETED)._replace(id="../../etc/passwd"),
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
        extra={"difficulty_info": {"current_difficulty": 9, "max_iterations": 1_000_000}, "seen": [1]},
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


def spans(*ended: int, length_ms: int) -> tuple[Span, ...]:
    """Return spans up to now in which so many ended, one of ten by failing."""
    first = NOW - len(ended) * length_ms
    return tuple(
        Span(start=first + n * length_ms, completed=count - count // 10, failed=count // 10, cancelled=0)
        for n, count in enumerate(ended)
    )


OVERVIEW = Overview(
    stats=Stats(
        by_status={Status.QUEUED: 12, Status.WAITING: 130, Status.COMPLETED: 1_234_567, Status.FAILED: 3},
        by_kind={
            "mirror": {Status.QUEUED: 12, Status.WAITING: 130, Status.COMPLETED: 34_567},
            "k" * 60: {Status.COMPLETED: 1_200_000, Status.FAILED: 3},
        },
        oldest_queued_at=NOW - 200_000,
    ),
    figures=Figures(
        hours=spans(0, 0, 10, 20, 40, 80, 160, 320, 100, 50, 0, 1, *[200] * 12, length_ms=60 * MINUTE),
        days=spans(*[0] * 7, 1, 10_000, 5_000, 80_000, 90_000, 100_000, 20_000, length_ms=24 * 60 * MINUTE),
        durations=(
            Durations(kind="mirror", count=1_000, median_seconds=4.2, p95_seconds=75),
            Durations(kind="k" * 60, count=12, median_seconds=0.012, p95_seconds=90_000),
        ),
        waiting={Reason.TIME: 100, Reason.CONDITION: 28, Reason.PAUSED: 2},
        next_wake_at=NOW + 75_000,
        store_bytes=48_766_976,
    ),
    office=Office(lives=True, pid=4242, since=NOW - 200 * MINUTE),
)


def test_the_overview() -> None:
    check_screen("stats", text(overview_screen(OVERVIEW, SCREEN)))


def test_the_overview_of_an_empty_store_without_a_supervisor() -> None:
    check_screen("stats-empty", text(overview_screen(nothing(may_start=True), SCREEN)))
    assert "OUTLAST_AUTOSTART=0" in text(overview_screen(nothing(may_start=False), SCREEN))


def test_the_overview_as_json_holds_the_figures() -> None:
    shown = overview_object(OVERVIEW)

    assert shown["by_kind"]["mirror"] == {"queued": 12, "waiting": 130, "completed": 34_567}
    assert shown["hours"][2] == {"start": "2025-09-19T22:26:40.000Z", "completed": 9, "failed": 1, "cancelled": 0}
    assert shown["durations"]["mirror"] == {"count": 1_000, "median_seconds": 4.2, "p95_seconds": 75}
    assert shown["supervisor"] == {"alive": True, "pid": 4242, "since": "2025-09-20T17:06:40.000Z", "may_start": True}


@pytest.mark.parametrize(
    ("numbers", "bars"), [([], ""), ([0, 0], "··"), ([1], "█"), ([1, 8, 0, 4], "▁█·▄"), ([1, 1_000_000], "▁█")]
)
def test_a_sparkline(numbers: list[int], bars: str) -> None:
    assert sparkline(numbers) == bars


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (48_766_976, "48.8 MB"), (10**15, "1,000 TB")],
)
def test_a_size(count: int, words: str) -> None:
    assert size(count) == words


GROUPS = [
    FailureGroup(
        group="OSError: refused by port #",
        count=1_204,
        kept=1_000,
        oldest_at=NOW - 20_000 * MINUTE,
        newest_at=NOW - 2 * MINUTE,
        example_id="mail_1758399880000_0000000200000000",
        kinds={"mail": 900, "mirror": 304},
    ),
    FailureGroup(
        group="ValueError: " + "\x1b[31mé" * 60,
        count=1,
        kept=0,
        oldest_at=NOW - 90 * MINUTE,
        newest_at=NOW - 90 * MINUTE,
        example_id="x",
        kinds={f"kind-{n}": 1 for n in range(12)},
    ),
    FailureGroup(group="", count=3, kept=3, oldest_at=NOW, newest_at=NOW, example_id="y", kinds={"imported": 3}),
]


def test_the_list_of_failures() -> None:
    check_screen("failures", text(group_list(GROUPS, SCREEN)))
    check_screen("failures-narrow", text(group_list(GROUPS, replace(SCREEN, width=60))))


@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_the_screen_of_a_group_of_failures(number: int) -> None:
    check_screen(f"failures-{number}", text(group_screen(GROUPS[number], SCREEN)))
