"""What a client may ask about processes: the truth about the living and the dead, without touching them."""

from pathlib import Path

import pytest

from outlast import Context
from outlast.client import Handle
from outlast.clients.render.story import story_of
from outlast.core.job import ProcessIdentity
from outlast.engine.witness import Witness
from tests.waiting import eventually
from tests.workshop import Workshop


def waits(ctx: Context, path: str) -> int:
    ctx.checkpoint(1, now=True)
    ctx.wait(until=Path(path).exists, every=0.05)
    return 1


@pytest.fixture
def handle(workshop: Workshop, tmp_path: Path) -> Handle:
    """Return a job that runs until `go` appears, and has saved something."""
    made = workshop.submit(waits, str(tmp_path / "go"))
    eventually(lambda: workshop.details(made).cursor, what="a save")
    return made


def witness(workshop: Workshop, *, may_start: bool = True) -> Witness:
    return Witness(workshop.places, may_start=may_start)


def test_the_living_live_and_the_dead_are_dead(workshop: Workshop, handle: Handle) -> None:
    supervisor = workshop.service.store.supervisor()
    process = workshop.details(handle).process
    assert supervisor is not None
    assert process is not None
    assert witness(workshop).supervisor_lives(supervisor)
    assert witness(workshop).process_lives(process)

    seen = workshop.process_of(handle)
    workshop.kill_supervisor()
    workshop.kill(seen)

    assert not witness(workshop).supervisor_lives(supervisor)
    assert not witness(workshop).process_lives(process)


def test_processes_of_another_container_are_asked_for_by_lock_and_socket(workshop: Workshop, handle: Handle) -> None:
    def elsewhere(identity: ProcessIdentity | None) -> ProcessIdentity:
        assert identity is not None
        return identity._replace(pid_namespace="pid:[1]", start_ticks=1)

    supervisor = elsewhere(workshop.service.store.supervisor())
    process = elsewhere(workshop.details(handle).process)
    assert witness(workshop).supervisor_lives(supervisor)
    assert witness(workshop).process_lives(process)

    seen = workshop.process_of(handle)
    workshop.kill_supervisor()
    workshop.kill(seen)

    assert not witness(workshop).supervisor_lives(supervisor)
    assert not witness(workshop).process_lives(process)
    assert not witness(workshop).process_lives(process._replace(id="p0000000000000000"))


def test_asking_takes_no_lock(workshop: Workshop, handle: Handle, tmp_path: Path) -> None:
    process = workshop.details(handle).process
    assert process is not None
    for _ in range(50):
        assert Witness._is_locked(str(workshop.places.process_lock(process.id)))

    (tmp_path / "go").touch()
    assert handle.wait(timeout=20)["status"] == "completed"


def test_the_prospects_of_a_job_whose_processes_are_dead(workshop: Workshop, handle: Handle) -> None:
    seen = workshop.process_of(handle)
    workshop.kill_supervisor()
    workshop.kill(seen)
    job, details = workshop.job(handle), workshop.details(handle)

    facts = workshop.service.lookout.prospects(job, details)

    assert (facts.process_lives, facts.office.lives, facts.running) == (False, False, 1)
    assert facts.office.pid is not None
    assert "no supervisor lives to notice" in " ".join(story_of(job, details, facts).now)


def test_the_prospects_of_a_running_job(workshop: Workshop, handle: Handle) -> None:
    facts = workshop.service.lookout.prospects(workshop.job(handle), workshop.details(handle))

    assert (facts.process_lives, facts.office.lives, facts.office.may_start) == (True, True, True)
    assert facts.office.since is not None
    assert 0 <= facts.now - facts.office.since < 60_000
    assert (facts.ahead, facts.code_fault, facts.alike) == (None, "", None)


def test_whether_commands_may_start_a_supervisor_is_known(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLAST_AUTOSTART", "0")

    assert workshop.service.lookout.office().may_start is False
    assert workshop.service.lookout.office().lives is False
