"""Jobs give way to the supervisor, and may choose otherwise; a supervisor that one of them starts does not."""

import os
import sys

import pytest

from tests.engine import scheduled
from tests.waiting import eventually
from tests.workshop import Workshop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has batch work")


def test_a_job_is_batch_work_and_may_choose_otherwise(workshop: Workshop) -> None:
    found = workshop.submit(scheduled.tells).result(20)

    assert found == {"own": os.SCHED_BATCH, "child": os.SCHED_BATCH, "chosen": os.SCHED_OTHER}


def test_a_supervisor_that_a_job_had_to_start_is_not(workshop: Workshop) -> None:
    handle = workshop.submit(scheduled.saves)
    process = workshop.process_of(handle)
    killed = workshop.kill_supervisor()
    eventually(lambda: workshop.supervisor() != killed, timeout=20, what="another supervisor")

    assert os.sched_getscheduler(workshop.supervisor().pid) == os.SCHED_OTHER
    assert os.sched_getscheduler(process.pid) == os.SCHED_BATCH
    handle.cancel()
