"""`list`, `show`, `stats`: looking at jobs that stand still."""

import json

import pytest

from tests.cli.screens import check_screen, masked
from tests.cli.shell import Shell, ids_of


def test_the_newest_job_comes_first_and_pages_follow(shell: Shell) -> None:
    ids = [shell.outlast("submit", "jobs.py:add", f"a={n}", code=0).id for n in range(3)]

    first = shell.outlast("list", "--limit", "2", "--json", code=0).object
    second = shell.outlast("list", "--limit", "2", "--cursor", first["next_cursor"], "--json", code=0).object

    assert ids_of(first["jobs"]) == [ids[2], ids[1]]
    assert ids_of(second["jobs"]) == [ids[0]]
    assert second["next_cursor"] is None


def test_a_list_for_people_says_how_it_goes_on(shell: Shell) -> None:
    for n in range(2):
        shell.outlast("submit", "jobs.py:add", f"a={n}", code=0)

    said = shell.outlast("list", "--limit", "1", code=0)

    assert len(said.out.splitlines()) == 2
    assert said.err.startswith("More: --cursor ")


def test_the_list_and_the_screen_of_stored_jobs(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", "--key", "日本語 key", "--account", "alice\x1b[31m", code=0)
    shell.outlast("run", "--label", "a=b", "--", "true", code=0)
    shell.outlast("submit", "jobs.py:count", "--delay", "1h", "--key", "later", code=0)
    shell.outlast("pause", "later", code=0)
    shell.outlast("cancel", shell.outlast("submit", "jobs.py:add", "a=2").id, code=0)

    check_screen("live-list", masked(shell.outlast("list", code=0).out))
    check_screen("live-show", masked(shell.outlast("show", "日本語 key", code=0).out))
    check_screen("live-stats", masked(shell.outlast("stats", code=0).out.partition("  24 hours")[0]))


def test_the_short_id_of_the_list_finds_the_job(shell: Shell) -> None:
    job_id = shell.outlast("submit", "jobs.py:add", "a=1", code=0).id

    short = shell.outlast("list", code=0).out.splitlines()[1].split()[0]

    assert short == job_id.rpartition("_")[2][:8]
    assert shell.outlast("show", short, "--json", code=0).object["job_id"] == job_id


def test_a_query_may_be_several_words_and_negated(shell: Shell) -> None:
    added = shell.outlast("submit", "jobs.py:add", "a=1", "--account", "alice", code=0).id
    counted = shell.outlast("submit", "jobs.py:count", "--account", "alice", code=0).id
    shell.outlast("run", "true", code=0)

    def found(*query: str) -> list[str]:
        return ids_of(shell.outlast("list", "--json", *query, code=0).object["jobs"])

    assert found("account:alice", "kind:add") == [added]
    assert found("account:alice", "-kind:add") == [counted]
    assert found("account:alice -kind:add") == [counted]
    assert found("-kind:add", "--limit", "5", "-kind:command") == [counted]
    assert found("--", "-kind:add", "account:alice") == [counted]
    assert found("status:failed") == []


def test_without_a_terminal_old_jobs_are_listed_too(shell: Shell) -> None:
    _old_jobs(shell)

    assert len(shell.outlast("list", "--json", code=0).object["jobs"]) == 2
    assert len(shell.outlast("list", code=0).out.splitlines()) == 3


def test_on_a_terminal_a_list_is_short_unless_all_or_a_query_is_asked_for(shell: Shell) -> None:
    _old_jobs(shell)

    assert "outlast list -a" in shell.on_terminal("list").out
    assert shell.on_terminal("list", "-a").out.count("pow") == 2
    assert shell.on_terminal("list", "kind:pow").out.count("pow") == 2
    assert shell.on_terminal("list", "--json").out.count('"job_id": "pow_') >= 2


def test_show_json_is_exactly_the_job_object(shell: Shell) -> None:
    job_id = shell.outlast("submit", "jobs.py:add", "a=1", code=0).id

    shown = shell.outlast("show", job_id, "--json", code=0).object

    assert list(shown) == ["job_id", "status", "kind", "created_at", "started_at", "updated_at", "attempts"]


def test_show_verbose_tells_arguments_events_and_code(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=[1]", code=0)

    shown = shell.outlast("show", "@last", "--verbose", code=0).out

    assert "(a=[1])" in shown
    assert "jobs.py:add" in "".join(shown.split())
    assert "submitted" in shown
    verbose = shell.outlast("show", "@last", "--verbose", "--json", code=0).object
    assert {"args", "steps", "cursor", "events", "traceback", "process", "code"} <= set(verbose)


def test_an_ambiguous_id_names_the_candidates(shell: Shell) -> None:
    shell.data_dir.mkdir(parents=True)
    ids = [f"pow_173573280000{n}_9f2c41d07ab35e6{n}" for n in range(2)]
    (shell.data_dir / "jobs.json").write_text(json.dumps({job_id: _old_job(job_id) for job_id in ids}))

    said = shell.outlast("show", "9f2c41d0", "--json", code=2)

    assert said.error["code"] == "usage"
    assert all(job_id in said.error["message"] for job_id in ids)


@pytest.mark.parametrize("command", ["list", "stats", "prune --older-than 1s", "cancel --match kind:x --yes"])
def test_looking_where_nothing_is_creates_nothing(shell: Shell, command: str) -> None:
    shell.outlast(*command.split(), code=0)
    shell.outlast(*command.split(), "--json", code=0)

    assert not shell.data_dir.exists()


@pytest.mark.parametrize("command", ["show", "logs", "wait", "follow", "retry", "cancel"])
def test_a_job_where_nothing_is_is_not_found(shell: Shell, command: str) -> None:
    assert shell.outlast(command, "abcd", "--json", code=4).error["code"] == "not_found"
    assert not shell.data_dir.exists()


def test_options_may_stand_before_or_after_the_command(shell: Shell) -> None:
    other = str(shell.directory / "other")
    job_id = shell.outlast("--data-dir", other, "submit", "jobs.py:add", "a=1", code=0).id

    assert shell.outlast("list", "--json", code=0).object["jobs"] == []
    before = shell.outlast("--json", "--data-dir", other, "list", code=0).object
    after = shell.outlast("list", "--data-dir", other, "--json", code=0).object
    assert ids_of(before["jobs"]) == ids_of(after["jobs"]) == [job_id]


def test_another_store_is_named_by_its_url(shell: Shell) -> None:
    url = f"sqlite://{shell.directory}/elsewhere.db"

    assert shell.outlast("--store", url, "list", "--json", code=0).object["jobs"] == []
    assert not (shell.directory / "elsewhere.db").exists()
    shell.outlast("--store", url, "submit", "jobs.py:add", "a=1", code=0)
    assert len(shell.outlast("list", "--json", "--store", url, code=0).object["jobs"]) == 1


def test_the_counts_are_those_of_the_store(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)
    shell.outlast("submit", "jobs.py:count", "--delay", "1h", code=0)

    stats = shell.outlast("stats", "--json", code=0).object

    assert stats["by_kind"] == {"add": {"queued": 1}, "count": {"waiting": 1}}
    assert stats["by_status"]["queued"] == 1
    assert stats["oldest_queued_at"].endswith("Z")


def _old_jobs(shell: Shell) -> None:
    """Let the first start find the jobs of long ago."""
    shell.data_dir.mkdir(parents=True)
    ids = [f"pow_173573280000{n}_0000000{n}7ab35e68" for n in range(2)]
    (shell.data_dir / "jobs.json").write_text(json.dumps({job_id: _old_job(job_id) for job_id in ids}))


def _old_job(job_id: str) -> dict[str, object]:
    at = {"started_at": "2025-01-01T12:00:00.000Z", "completed_at": "2025-01-01T12:05:30.000Z"}
    return {"job_id": job_id, "status": "completed", **at, "result": {"job_id": job_id, "status": "completed"}}
