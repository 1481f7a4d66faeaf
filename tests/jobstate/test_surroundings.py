"""What a program does to itself around a checklist: threads, forks, closed descriptors, few descriptors, jobs."""

import os
import stat
import subprocess
import sys
import threading
import warnings
from pathlib import Path

from outlast import AlreadyClaimed, Context, JobState, job
from outlast.jobstate import late
from tests.jobstate.places import ACCOUNT, DAY, NAMES, TYPE, Clock, journal_path, json_path, read_json
from tests.waiting import eventually
from tests.workshop import Workshop

MANY = [f"activity-{number}" for number in range(400)]


BEGIN = """
import os, sys
from outlast import JobState
from tests.jobstate.places import *
state = JobState(dir=sys.argv[1], timezone="UTC")
checklist = state.open(ACCOUNT, TYPE, NAMES, DAY)
"""


def run(code: str, directory: Path, *, before: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a program that has `state` and `checklist`; `before` is what the shell does first."""
    words = ["sh", "-c", f'{before} exec "$@"', "sh", sys.executable, "-c", BEGIN + code, str(directory)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def fork() -> int:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return os.fork()


def test_threads_share_a_checklist(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, MANY)
    done: list[str] = []

    def work() -> None:
        done.extend(checklist.each())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(done) == sorted(MANY)
    assert sorted(checklist.completed) == sorted(MANY)
    late.rewrite_now()
    assert sorted(read_json(json_path(directory))["completed"]) == sorted(MANY)


def test_a_forked_child_has_no_claims_and_can_go_on(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    with checklist.activity("quiz-1"):
        child = fork()
        if child == 0:
            try:
                checklist.activity("quiz-1").__enter__()
            except AlreadyClaimed:
                checklist.complete("poll-1")
                os._exit(0)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    assert checklist.completed == ["poll-1", "quiz-1"]


def test_a_child_that_leaves_the_block_too_does_not_complete_it(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    with checklist.activity("quiz-1"):
        child = fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)

    assert journal_path(directory).read_bytes().count(b'"complete"') == 1


def test_a_claim_ends_with_the_process_though_its_child_lives_on(directory: Path) -> None:
    code = (
        "checklist.activity('quiz-1').__enter__()\nif os.fork() == 0:\n    sys.stdin.read()\n    os._exit(0)\n"
        "os.kill(os.getpid(), 9)"
    )
    reader, writer = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", BEGIN + code, str(directory)], stdin=reader)
    os.close(reader)
    process.wait()

    checklist = JobState(dir=directory, timezone="UTC").open(ACCOUNT, TYPE, NAMES, DAY)
    # The child closes what it has inherited as soon as it runs.
    eventually(lambda: "quiz-1" in list(checklist.each()), what="the claim to end")
    os.close(writer)


def test_descriptors_that_were_closed_and_used_again_are_left_alone(directory: Path, tmp_path: Path) -> None:
    code = (
        "checklist.complete('quiz-1')\nos.closerange(3, 100)\n"
        f"files = [os.open({str(tmp_path / 'mine')!r} + str(n), os.O_RDWR | os.O_CREAT) for n in range(9)]\n"
        "checklist.complete('poll-1')\nprint(checklist.completed)\nprint([os.fstat(each).st_size for each in files])"
    )

    done = run(code, directory)

    assert done.stdout == f"['quiz-1', 'poll-1']\n{[0] * 9}\n", done.stderr
    assert read_json(json_path(directory))["completed"] == ["quiz-1", "poll-1"]


def test_what_is_printed_to_a_closed_stdout_does_not_land_in_a_file(directory: Path) -> None:
    code = "checklist.complete('quiz-1')\nprint('x' * 10_000, flush=True)"

    done = run(code, directory, before="exec >&- <&-;")

    assert b"xxx" not in journal_path(directory).read_bytes()
    assert read_json(json_path(directory))["completed"] == ["quiz-1"], done.stderr


def test_sixteen_descriptors_are_enough_for_hundreds_of_checklists(directory: Path) -> None:
    code = (
        "kept = [state.open(f'account-{n}', TYPE, NAMES, DAY) for n in range(100)]\n"
        "for each in kept + kept:\n    each.complete('quiz-1')\n"
        "with checklist.activity('poll-1'):\n    kept[0].complete('poll-1')\n"
        "print(sum(len(each.completed) for each in kept), checklist.completed)"
    )

    done = run(code, directory, before="ulimit -n 16;")

    assert done.stdout == "101 ['poll-1']\n", done.stderr


def test_a_large_json_is_rewritten_although_nothing_more_comes(directory: Path) -> None:
    names = [f"activity-{number:05}-{'x' * 40}" for number in range(5_000)]
    checklist = JobState(dir=directory, timezone="UTC", clock=Clock(DAY)).open(ACCOUNT, TYPE, names)
    for name in names[:300]:
        checklist.complete(name)

    eventually(lambda: len(read_json(json_path(directory))["completed"]) == 300, timeout=5, what="the JSON")

    eventually(lambda: "outlast-job-state" not in {thread.name for thread in threading.enumerate()}, timeout=5)


def test_a_small_json_is_rewritten_at_once_and_in_a_tight_loop_when_all_is_done(directory: Path) -> None:
    checklist = JobState(dir=directory, timezone="UTC", clock=Clock(DAY)).open(ACCOUNT, TYPE, MANY)
    checklist.complete(MANY[0])
    first = read_json(json_path(directory))["completed"]

    for name in MANY[1:]:
        checklist.complete(name)

    assert first == MANY[:1]
    assert read_json(json_path(directory))["completed"] == MANY


def test_a_program_that_ends_leaves_its_json_up_to_date_and_no_temporary_file(directory: Path) -> None:
    done = run(
        "names = [f'activity-{n:05}' + 'x' * 40 for n in range(5_000)]\n"
        "many = state.open('many', TYPE, names, DAY)\nfor name in names[:200]:\n    many.complete(name)",
        directory,
    )

    assert done.returncode == 0, done.stderr
    assert len(read_json(json_path(directory, "many"))["completed"]) == 200
    assert sorted(os.listdir(directory / "many")) == [f".{TYPE}-{DAY}.journal", f"{TYPE}-{DAY}.json"]


def test_a_checklist_that_is_let_go_leaves_neither_descriptor_nor_thread_nor_file(directory: Path) -> None:
    before = set(os.listdir("/proc/self/fd")) if sys.platform == "linux" else set()
    threads = threading.active_count()
    checklist = JobState(dir=directory, timezone="UTC", clock=Clock(DAY)).open(ACCOUNT, TYPE, MANY)
    late.wait_for(checklist._book)  # type: ignore[arg-type]
    checklist._book._behind = True  # type: ignore[attr-defined]
    checklist.complete(MANY[0])

    del checklist

    eventually(lambda: threading.active_count() == threads, what="the end of its thread")
    assert sorted(os.listdir(directory / ACCOUNT)) == [f".{TYPE}-{DAY}.journal", f"{TYPE}-{DAY}.json"]
    assert not before or set(os.listdir("/proc/self/fd")) == before


def test_files_have_the_mode_that_the_umask_leaves(directory: Path) -> None:
    before = os.umask(0o027)
    try:
        JobState(dir=directory, timezone="UTC", clock=Clock(DAY)).open(ACCOUNT, TYPE, NAMES).complete("quiz-1")
    finally:
        os.umask(before)

    assert stat.S_IMODE(json_path(directory).stat().st_mode) == 0o640
    assert stat.S_IMODE(journal_path(directory).stat().st_mode) == 0o640


def test_a_json_that_is_being_read_is_not_written_over(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, MANY)
    for number, name in enumerate(MANY[:60]):
        with json_path(directory).open("rb") as reader:
            half = reader.read(100)
            checklist.complete(name)
            checklist.skip(MANY[-1 - number])
            late.rewrite_now()
            whole = half + reader.read()
        assert whole.count(b"activity-") == len(MANY) - number
        assert whole.endswith(b"}\n")


def test_a_json_with_another_name_is_not_written_over(state: JobState, directory: Path, tmp_path: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    os.link(json_path(directory), tmp_path / "backup.json")
    before = (tmp_path / "backup.json").read_bytes()

    for name in checklist.each():
        assert name

    assert (tmp_path / "backup.json").read_bytes() == before
    assert read_json(json_path(directory))["remaining"] == []


@job
def does_the_day(ctx: Context, directory: str, dies_at: int) -> list[str]:
    checklist = JobState(dir=directory, timezone="UTC").open(ACCOUNT, TYPE, NAMES, DAY)
    for number, name in enumerate(checklist.each()):
        ctx.progress(message=name)
        print(name, os.getpid())
        if ctx.attempt == 1 and number == dies_at:
            os.kill(os.getpid(), 9)
    return checklist.completed


def test_inside_a_job_the_same_calls_work(workshop: Workshop, directory: Path) -> None:
    killed = workshop.submit(does_the_day, str(directory), 1)
    assert killed.result(30) == NAMES
    assert [line.split()[0] for line in killed.logs().splitlines() if "==" not in line] == [*NAMES[:2], *NAMES[1:]]

    again = workshop.submit(does_the_day, str(directory), 9)

    assert again.result(30) == NAMES
    assert workshop.last(again, "completed").detail.get("left") is None
    assert json_path(directory).exists()


def test_rewriting_takes_a_hundredth_of_the_time_and_is_always_allowed_after_a_rest() -> None:
    pace, now, spent = late.Pace(), 100.0, 0.0
    for _ in range(10_000):
        now += 0.0003
        if pace.allows(now):
            pace.spent(0.0001)
            spent += 0.0001

    assert 0.01 <= spent <= 0.01 + 10_000 * 0.0003 / 100 + 0.0001
    pace.spent(9.0)
    assert not pace.allows(now)
    assert pace.allows(now + 0.021)
