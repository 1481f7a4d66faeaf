"""The jobs that a new store begins with: those of an old jobs.json."""

from collections.abc import Sequence
from typing import Any

import apsw

from outlast.core.job import Job
from outlast.core.moments import Moment
from outlast.storage.sqlite.additions import Additions, columns_of
from outlast.storage.sqlite.connection import Row


def add_first_jobs(connection: apsw.Connection, jobs: Sequence[Job], now: Moment) -> None:
    """Add finished jobs, oldest first, to an empty store inside the caller's transaction."""

    def execute(sql: str, parameters: Sequence[Any]) -> list[Row]:
        return connection.execute(sql, parameters).fetchall()

    additions = Additions(execute, now)
    for job in jobs:
        additions.add({**columns_of(job), "spec_id": additions.spec(job.spec)})
