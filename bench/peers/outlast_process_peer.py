"""Outlast with a process for every job, as RQ has it."""

from typing import Any

from bench.peers import alone, outlast_peer


class Peer(outlast_peer.Peer):
    """The same supervisor, whose jobs share nothing."""

    durable = f'{outlast_peer.Peer.durable}; isolation="process"'

    def submit(self) -> Any:
        return self._outlast.submit(alone.noop)
