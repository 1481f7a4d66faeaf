"""Waiting until the jobs of a workshop are forked."""

from tests.engine import alone
from tests.processes import Seen
from tests.waiting import eventually
from tests.workshop import Workshop


def until_it_forks(workshop: Workshop, *, other_than: Seen | None = None) -> Seen:
    """Return the fork server of the jobs of this program, once it forks."""

    def forks() -> Seen | None:
        parent = workshop.submit(alone.tells).result(20)["parent"]
        found = [each for each in workshop.fork_servers() if each.pid == parent and each != other_than]
        return found[0] if found else None

    return eventually(forks, timeout=30, what="a job to be forked")
