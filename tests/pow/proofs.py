"""A proof to send, and what a sender notes."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outlast.pow.broadcasting.broadcast import Proof

RAID = Proof(
    action="planet_raid_complete",
    player="1-11",
    entity="9-2",
    target_id="2-7",
    block_start=1000,
    proof="0000000abc",
    nonce=216_755,
)
BUILD = Proof(
    action="struct_build_complete", player="1-11", entity="5-12", block_start=1000, proof="00000abc", nonce=12_345
)
KEY = "pow_1735732800000_9f2c41d07ab35e68"


@dataclass(frozen=True, slots=True)
class Notebook:
    """A file that holds what was noted last, durably; empty before."""

    path: Path

    def note(self, noted: dict[str, Any]) -> None:
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(noted, file)
            file.flush()
            os.fsync(file.fileno())

    @property
    def noted(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {}
        return found
