"""`cancel pause resume retry remove prune`: by id and by query, and who is asked before."""

import json
from collections.abc import Iterator

import pytest

from outlast.acts import Act
from outlast.client import new_job
from outlast.core.query import parse_query
from outlast.functions import home_of_this_process
from outlast.service import Service
from outlast.storage.sqlite import SqliteStore
from outlast.targets import command_spec
from tests.cli.shell import Shell, ids_of
from tests.waiting import eventually
from tests.workshop import Workshop


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


@pytest.fixture
def service(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Return the service of the shell's store, which starts no supervisor either."""
    monkeypatch.setenv("OUTLAST_AUTOSTART", "0")
    place = Workshop(shell.data_dir).service
    yield place
    place.close()


def test_any_number_of_jobs_is_steered_a_hundred_in_one_commit(shell: Shell, service: Service) -> None:
    spec = command_spec(home_of_this_process(), {})
    service.submit([new_job(spec, "{}", account="many") for _ in range(250)])
    submitted(shell)

    shown = shell.outlast("pause", "--match", "account:many", "--dry-run", code=0)
    paused = shell.outlast("pause", "--match", "account:many", "--yes", code=0)
    resumed = shell.outlast("resume", "--match", "reason:paused", "--yes", "--json", code=0)

    assert shown.err == "250 jobs would be paused.\n"
    assert len(shown.out.splitlines()) == 251
    assert len(paused.out.splitlines()) == 250
    assert len(set(ids_of(resumed.object["jobs"]))) == 250
    assert service.store.count(parse_query("status:queued")) == 251
    assert shell.outlast("resume", "--match", "reason:paused", "--yes", code=0).err == "No job fits.\n"


def test_what_cannot_be_done_is_told_and_all_else_is_done(shell: Shell) -> None:
    shell.data_dir.mkdir(parents=True)
    old = {"pow_1735732800000_9f2c41d07ab35e68": {"status": "failed", "error": "x"}}
    (shell.data_dir / "jobs.json").write_text(json.dumps(old))
    ids = [submitted(shell) for _ in range(3)]
    shell.outlast("cancel", *ids, code=0)

    said = shell.outlast("retry", "--match", "", "--yes", "--json", code=2)

    assert sorted(ids_of(said.object["jobs"])) == sorted(ids)
    assert said.error["code"] == "refused"
    assert "imported" in said.error["message"]


def test_what_is_submitted_after_the_look_is_left_alone(shell: Shell, service: Service) -> None:
    first = submitted(shell)
    query = parse_query("kind:add")
    before = service.page(query).jobs[0].seq + 1
    submitted(shell)

    assert [job.id for job in service.matching(query, before)] == [first]


def test_jobs_that_move_while_they_are_steered_are_looked_at_again(shell: Shell, service: Service) -> None:
    jobs = [service.get(submitted(shell)) for _ in range(3)]
    service.cancel(jobs[0])
    service.pause(jobs[1])
    service.cancel(jobs[2])
    service.remove(service.get(jobs[2].id))

    done = list(service.steer(Act.PAUSE, jobs))

    assert [each.error.code if each.error else each.after and each.after.reason for each in done] == [
        "conflict",
        "paused",
        "not_found",
    ]


def test_a_running_job_that_is_paused_says_when_it_will_be(live: Shell) -> None:
    job_id = live.outlast("submit", "jobs.py:until", "path=go", code=0).id
    eventually(lambda: status_of(live, job_id) == "running", what="the job to run")

    said = live.outlast("pause", job_id, code=0)

    assert said.out == f"{job_id} running (pause asked)\n"
    assert "outlast explain" in said.err
    eventually(lambda: status_of(live, job_id) == "waiting", what="the job to be paused")
    assert live.outlast("resume", job_id, code=0).out == f"{job_id} queued\n"
    (live.directory / "go").write_text("done")
    live.outlast("wait", job_id, code=0)


def test_a_pause_that_has_not_come_about_is_no_pause_yet(shell: Shell) -> None:
    job_id = submitted(shell)
    store = SqliteStore(shell.data_dir / "jobs.db")
    store.claim(store.due(1)[0], "process-1")
    store.close()

    shell.outlast("pause", job_id, code=0)
    said = shell.outlast("resume", job_id, "--json", code=2)

    assert said.error["code"] == "conflict"
    assert "has not stopped yet" in said.error["message"]
