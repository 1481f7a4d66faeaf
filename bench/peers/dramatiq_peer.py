"""Dramatiq on Redis, which flushes every command."""

import os
from pathlib import Path
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from bench.peers import ground, servers
from bench.peers.subject import WORKERS, Subject


def _connect() -> None:
    broker = RedisBroker(url=os.environ["PEER_URL"])
    broker.add_middleware(Results(backend=RedisBackend(url=os.environ["PEER_URL"])))
    dramatiq.set_broker(broker)


if "PEER_WORKER" in os.environ:
    _connect()


def _declare() -> "tuple[dramatiq.Actor[..., Any], dramatiq.Actor[..., Any]]":
    def noop() -> int:
        ground.tick()
        return 1

    def struck(name: str, count: int) -> None:
        for step in range(count):
            ground.act(name, step)
        ground.end(name)

    return dramatiq.actor(noop, store_results=True), dramatiq.actor(struck, max_retries=100_000)


if "PEER_WORKER" in os.environ:
    _declare()


class Peer(Subject):
    """One program with two worker processes of one thread."""

    name = package = "dramatiq"
    durable = "Redis, appendfsync always"
    programs = 1

    def open(self, place: Path) -> None:
        self._redis = servers.Redis(place)
        os.environ["PEER_URL"] = self._redis.url
        _connect()
        self._noop, self._struck = _declare()

    def submit(self) -> Any:
        return self._noop.send()

    def submit_steps(self, name: str, count: int) -> None:
        self._struck.send(name, count)

    def result(self, submitted: Any) -> None:
        submitted.get_result(block=True, timeout=30_000)

    def start_worker(self, number: int) -> Any:
        how = ("-p", str(WORKERS), "-t", "1")
        return ground.start(ground.program("dramatiq"), "bench.peers.dramatiq_peer", *how, PEER_WORKER="1")

    def close(self) -> None:
        super().close()
        self._redis.close()
