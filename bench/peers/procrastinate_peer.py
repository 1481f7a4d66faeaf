"""Procrastinate on PostgreSQL, two workers."""

import os
from pathlib import Path
from typing import Any

import procrastinate

from bench.peers import ground, servers
from bench.peers.subject import Subject

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ.get("PEER_URL", "")))


@app.task(name="noop")
def noop() -> None:
    ground.tick()


@app.task(name="struck", retry=100_000)
def struck(name: str, count: int) -> None:
    for step in range(count):
        ground.act(name, step)
    ground.end(name)


class Peer(Subject):
    """Two programs, one job at a time each. It keeps no results and no steps."""

    name = package = "procrastinate"
    durable = "PostgreSQL, fsync and synchronous_commit on"

    def open(self, place: Path) -> None:
        os.environ["PEER_URL"] = servers.postgres(place)
        self._app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=os.environ["PEER_URL"]))
        self._noop = self._app.task(name="noop")(ground.tick)
        self._struck = self._app.task(name="struck")(struck.func)
        self._app.open()
        self._app.schema_manager.apply_schema()

    def submit(self) -> Any:
        seen = ground.ticks()
        self._noop.defer()
        return seen

    def submit_steps(self, name: str, count: int) -> None:
        self._struck.defer(name=name, count=count)

    def result(self, submitted: Any) -> None:
        ground.wait_until(lambda: ground.ticks() > submitted, 30)

    def start_worker(self, number: int) -> Any:
        program = ground.program("procrastinate")
        return ground.start(program, "--app=bench.peers.procrastinate_peer.app", "worker", "--concurrency=1")

    def close(self) -> None:
        super().close()
        self._app.close()
