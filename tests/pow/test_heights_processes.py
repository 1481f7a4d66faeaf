"""Processes that look at once, die while they ask, or are stopped."""

import json
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.faults.fixtures import ROOT
from tests.pow.chain import Chain
from tests.waiting import eventually


class Looker:
    """The processes of tests.pow.looker, up and waiting for the word."""

    def __init__(self, chain: Chain, cache: Path, patience_seconds: float, processes: int = 1) -> None:
        words = [chain.url, str(cache), str(patience_seconds), str(processes)]
        command = [sys.executable, "-m", "tests.pow.looker", *words]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def until_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def begin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("look\n")
        self.process.stdin.flush()

    def all_seen(self) -> list[dict[str, Any]]:
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        return [json.loads(line) for line in out.splitlines()]

    def seen(self) -> dict[str, Any]:
        [seen] = self.all_seen()
        return seen

    def __enter__(self) -> "Looker":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def test_fifty_processes_at_once_cause_one_poll(chain: Chain, cache: Path) -> None:
    with Looker(chain, cache, 30, processes=50) as lookers:
        lookers.until_ready()
        lookers.begin()
        values = [seen["value"] for seen in lookers.all_seen()]

    assert values == [1000] * 50
    assert chain.polls == 1
    assert not list(cache.glob(".*.tmp"))


def test_who_waits_for_a_poller_that_dies_polls_itself(chain: Chain, cache: Path) -> None:
    chain.hang()
    with Looker(chain, cache, 60) as poller, Looker(chain, cache, 60) as waiting:
        poller.until_ready()
        poller.begin()
        eventually(lambda: chain.polls == 1, what="the first poll")
        waiting.until_ready()
        waiting.begin()
        chain.stand(1003)
        poller.process.kill()

        assert waiting.seen()["value"] == 1003
    assert chain.polls == 2


def test_a_poller_that_was_stopped_does_not_stop_the_others(chain: Chain, cache: Path) -> None:
    chain.hang()
    with ExitStack() as stack:
        stopped = stack.enter_context(Looker(chain, cache, 60))
        stopped.until_ready()
        stopped.begin()
        eventually(lambda: chain.polls == 1, what="the first poll")
        stopped.process.send_signal(signal.SIGSTOP)
        chain.stand(1004)
        lookers = [stack.enter_context(Looker(chain, cache, 1)) for _ in range(4)]
        for looker in lookers:
            looker.until_ready()
            looker.begin()

        assert [looker.seen()["value"] for looker in lookers] == [1004] * 4
    assert chain.polls == 2
