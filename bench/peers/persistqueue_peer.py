"""persist-queue: a queue in SQLite between threads of one process; acknowledged when done."""

import threading
from pathlib import Path
from typing import Any

import persistqueue

from bench.peers import ground
from bench.peers.subject import WORKERS, Subject


class Peer(Subject):
    """Two threads. It has no results, no steps and no processes of its own."""

    name = package = "persist-queue"
    durable = "SQLite, as it sets it"
    programs = 0

    def open(self, place: Path) -> None:
        self._queue = persistqueue.SQLiteAckQueue(str(place / "queue"), multithreading=True)
        self._threads: list[threading.Thread] = []

    def submit(self) -> Any:
        seen = ground.ticks()
        self._queue.put({"job": "noop"})
        return seen

    def result(self, submitted: Any) -> None:
        ground.wait_until(lambda: ground.ticks() > submitted, 30)

    def work(self) -> None:
        while len(self._threads) < WORKERS:
            self._threads.append(threading.Thread(target=self._take, daemon=True))
            self._threads[-1].start()

    def _take(self) -> None:
        while True:
            item = self._queue.get()
            ground.tick()
            self._queue.ack(item)
