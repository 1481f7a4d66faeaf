"""`cancel pause resume retry remove prune`: by id and by query, and who is asked before."""

import pytest

from tests.cli.shell import Shell, ids_of


def submitted(shell: Shell, *options: str) -> str:
    return shell.outlast("submit", "jobs.py:add", "a=1", *options, code=0).id


def status_of(shell: Shell, job_id: str) -> str:
    return str(shell.outlast("show", job_id, "--json", code=0).object["status"])


def test_a_job_goes_through_all_that_a_person_can_do_with_it(shell: Shell) -> None:
    job_id = submitted(shell)

    assert shell.outlast("pause", job_id, "--json", code=0).object["reason"] == "paused"
    assert shell.outlast("resume", job_id, code=0).out == f"{job_id} queued\n"
    assert shell.outlast("cancel", job_id, code=0).out == f"{job_id} cancelled (user)\n"
    assert shell.outlast("retry", job_id, "--json", code=0).object["status"] == "queued"
    assert shell.outlast("cancel", job_id, "--json", code=0).object["job_id"] == job_id
    assert shell.outlast("remove", job_id, code=0).out == f"{job_id} removed\n"
    assert shell.outlast("show", job_id, code=4).out == ""


def test_cancel_of_a_finished_job_changes_nothing(shell: Shell) -> None:
    job_id = submitted(shell)
    first = shell.outlast("cancel", job_id, "--json", code=0).object

    assert shell.outlast("cancel", job_id, "--json", code=0).object == first


@pytest.mark.parametrize("verb", ["resume", "retry", "remove"])
def test_what_the_state_forbids_is_a_conflict(shell: Shell, verb: str) -> None:
    job_id = submitted(shell)

    said = shell.outlast(verb, job_id, "--json", code=2)

    assert said.error["code"] == "conflict"
    assert said.error["fix"]
    assert status_of(shell, job_id) == "queued"


def test_several_jobs_at_once(shell: Shell) -> None:
    ids = [submitted(shell) for _ in range(3)]

    assert ids_of(shell.outlast("cancel", *ids, "--json", code=0).object["jobs"]) == ids
    assert len(shell.outlast("retry", *ids, code=0).out.splitlines()) == 3


def test_one_wrong_id_changes_nothing(shell: Shell) -> None:
    job_id = submitted(shell)

    said = shell.outlast("cancel", job_id, "no-such-job", code=4)

    assert said.out == ""
    assert status_of(shell, job_id) == "queued"


def test_a_conflict_of_one_job_does_not_keep_the_others_back(shell: Shell) -> None:
    queued, cancelled = submitted(shell), submitted(shell)
    shell.outlast("cancel", cancelled, code=0)

    said = shell.outlast("retry", queued, cancelled, "--json", code=2)

    assert ids_of(said.object["jobs"]) == [cancelled]
    assert said.error["code"] == "conflict"
    assert queued in said.error["message"]


def test_a_query_asks_a_script_for_yes(shell: Shell) -> None:
    ids = [submitted(shell, "--account", "alice") for _ in range(2)]
    other = submitted(shell, "--account", "bob")

    refused = shell.outlast("cancel", "--match", "account:alice", "--json", code=2)
    shown = shell.outlast("cancel", "--match", "account:alice", "--dry-run", "--json", code=0)

    assert refused.error["code"] == "refused"
    assert "2 jobs" in refused.error["message"]
    assert "--yes" in refused.error["fix"]
    assert ids_of(shown.object["jobs"]) == list(reversed(ids))
    assert status_of(shell, ids[0]) == "queued"
    assert len(shell.outlast("cancel", "--match", "account:alice", "--yes", code=0).out.splitlines()) == 2
    assert status_of(shell, other) == "queued"


def test_a_query_leaves_jobs_alone_for_which_it_makes_no_sense(shell: Shell) -> None:
    queued, cancelled = submitted(shell), submitted(shell)
    shell.outlast("cancel", cancelled, code=0)

    assert ids_of(shell.outlast("retry", "--match", "kind:add", "--yes", "--json", code=0).object["jobs"]) == [
        cancelled
    ]
    assert status_of(shell, queued) == "queued"
    assert shell.outlast("remove", "--match", "kind:add", "--yes", "--json", code=0).object == {"jobs": []}
    assert shell.outlast("resume", "--match", "kind:add", "--dry-run", code=0).out == ""


@pytest.mark.parametrize(("answer", "status"), [("y\n", "cancelled"), ("n\n", "queued"), ("\n", "queued")])
def test_a_query_asks_a_person(shell: Shell, answer: str, status: str) -> None:
    job_id = submitted(shell)

    said = shell.on_terminal("cancel", "--match", "kind:add", answer=answer)

    assert said.code == 0
    assert "Cancel 1 job? [y/N]" in said.out
    assert job_id.rpartition("_")[2][:8] in said.out
    assert status_of(shell, job_id) == status


def test_an_interrupted_question_does_nothing(shell: Shell) -> None:
    job_id = submitted(shell)

    said = shell.on_terminal("cancel", "--match", "kind:add", answer="\x03")

    assert said.code == 130
    assert status_of(shell, job_id) == "queued"


@pytest.mark.parametrize("verb", ["cancel", "remove"])
def test_the_last_job_is_ended_only_by_a_person(shell: Shell, verb: str) -> None:
    job_id = submitted(shell)

    assert shell.outlast(verb, "@last", "--json", code=2).error["code"] == "refused"
    assert shell.on_terminal("cancel", "@last").code == 0
    assert status_of(shell, job_id) == "cancelled"


@pytest.mark.parametrize("words", [[], ["abcd", "--match", "kind:x"], ["abcd", "--yes"], ["abcd", "--dry-run"]])
def test_either_ids_or_a_query(shell: Shell, words: list[str]) -> None:
    assert shell.outlast("cancel", *words, "--json", code=2).error["code"] == "usage"


def test_prune_removes_what_ended_longer_ago(shell: Shell) -> None:
    kept = submitted(shell, "--keep")
    gone = submitted(shell)
    shell.outlast("cancel", kept, gone, code=0)

    assert shell.outlast("prune", "--older-than", "1h", "--json", code=0).object == {"removed": 0}
    assert shell.outlast("prune", "--older-than", "0s", code=0).out == "1 job removed\n"
    assert ids_of(shell.outlast("list", "--json").object["jobs"]) == [kept]
