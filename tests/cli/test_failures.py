"""`failures`: what failed alike, and running all of it again."""

from collections.abc import Iterator

import pytest

from outlast.core.ports import Supervision
from outlast.core.status import Status
from outlast.storage.sqlite import SqliteStore
from tests.cli.screens import check_screen, masked
from tests.cli.shell import Shell, ids_of
from tests.contract.making import end, running


@pytest.fixture
def store(shell: Shell) -> Iterator[Supervision]:
    """Return the store of the shell, as its supervisor would see it: what fails is a matter of the test."""
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)
    place = SqliteStore(shell.data_dir / "jobs.db")
    yield place
    place.close()


def fail(store: Supervision, error: str, kind: str = "demo") -> str:
    job = running(store, kind=kind)
    end(store, job, Status.FAILED, error=error)
    return job.id


def status_of(shell: Shell, job_id: str) -> str:
    return str(shell.outlast("show", job_id, "--json", code=0).object["status"])


def test_failures_are_listed_by_group(shell: Shell, store: Supervision) -> None:
    refused = [fail(store, f"OSError: refused by port {port}", "mail") for port in (25, 80, 587)]
    fail(store, "exit code 3")

    listed = shell.outlast("failures", "--json", code=0).object

    assert listed["groups"] == 2
    newest, older = listed["failures"]
    assert (newest["error"], newest["count"]) == ("exit code 3", 1)
    assert (older["error"], older["count"], older["kept"]) == ("OSError: refused by port #", 3, 3)
    assert older["example"] == refused[-1]
    assert older["kinds"] == {"mail": 3}
    said = shell.outlast("failures", code=0)
    assert older["group"] in said.out
    assert "outlast failures GROUP" in said.err


def test_a_group_is_found_by_its_code_and_by_an_error_of_it(shell: Shell, store: Supervision) -> None:
    ids = [fail(store, f"OSError: refused by port {port}") for port in (25, 80)]
    code = shell.outlast("failures", "--json", code=0).object["failures"][0]["group"]

    for text in (code, code[:4], "OSError: refused by port #", "OSError: refused by port 443"):
        shown = shell.outlast("failures", text, "--json", code=0).object
        assert shown["group"] == code
        assert ids_of(shown["jobs"]) == list(reversed(ids))
    check_screen("live-failures", masked(shell.outlast("failures", code, code=0).out))


@pytest.mark.parametrize("text", ["none", "ab", "", "-", "%", "\x1b[2J", "x" * 10_000])
def test_a_group_that_is_none_is_not_found(shell: Shell, store: Supervision, text: str) -> None:
    fail(store, "exit code 3")

    said = shell.outlast("failures", "--json", "--", text, code=4)

    assert said.error["code"] == "not_found"


def test_all_jobs_of_a_group_run_again_once_somebody_says_yes(shell: Shell, store: Supervision) -> None:
    ids = [fail(store, f"OSError: refused by port {port}") for port in (25, 80)]
    other = fail(store, "exit code 3")

    refused = shell.outlast("failures", "--retry", "OSError: refused by port #", "--json", code=2)
    shown = shell.outlast("failures", "--retry", "OSError: refused by port #", "--dry-run", "--json", code=0)
    assert refused.error["code"] == "refused"
    assert ids_of(shown.object["jobs"]) == list(reversed(ids))
    assert status_of(shell, ids[0]) == "failed"

    done = shell.outlast("failures", "OSError: refused by port #", "--retry", "--yes", "--json", code=0)

    assert sorted(ids_of(done.object["jobs"])) == sorted(ids)
    assert {status_of(shell, job_id) for job_id in ids} == {"queued"}
    assert status_of(shell, other) == "failed"


def test_a_person_is_asked_before_a_group_runs_again(shell: Shell, store: Supervision) -> None:
    job_id = fail(store, "exit code 3")

    said = shell.on_terminal("failures", "--retry", "exit code 3", answer="y\n")

    assert said.code == 0
    assert "Retry 1 job? [y/N]" in said.out
    assert status_of(shell, job_id) == "queued"


def test_since_looks_only_at_the_newest(shell: Shell, store: Supervision) -> None:
    fail(store, "exit code 3")

    assert shell.outlast("failures", "--since", "1h", "--json", code=0).object["groups"] == 1
    assert shell.outlast("failures", "--since", "0s", "--json", code=0).object == {"failures": [], "groups": 0}
    assert "Nothing failed in that time" in shell.outlast("failures", "--since", "0s", code=0).err


@pytest.mark.parametrize(
    "words", [["--retry"], ["abcd", "--dry-run"], ["--yes"], ["--since", "soon"], ["--limit", "0"]]
)
def test_options_that_need_each_other_are_told_so(shell: Shell, words: list[str]) -> None:
    assert shell.outlast("failures", *words, "--json", code=2).error["code"] == "usage"


def test_looking_where_nothing_is_creates_nothing(shell: Shell) -> None:
    assert shell.outlast("failures", "--json", code=0).object == {"failures": [], "groups": 0}
    assert shell.outlast("failures", "abcd", "--json", code=4).error["code"] == "not_found"
    assert not shell.data_dir.exists()
