"""The proof, checked from the formula alone: nothing of the search is used."""

import hashlib
from typing import Any

from outlast.demo.claims import Report
from outlast.demo.puzzles import ZEROS, KnownSearch


def judge_proof(report: Report, result: dict[str, Any], known: KnownSearch) -> None:
    """Judge whether the result proves what it says, and is the first proof there is."""
    proof = result.get("proof_of_work", {})
    message = f"{known.entity}BUILD{known.request.block_start}NONCE{proof.get('nonce')}"
    digest = hashlib.sha256(message.encode()).hexdigest()
    is_true = digest.startswith("0" * ZEROS) and digest == proof.get("hash") and proof.get("valid") is True
    is_first = proof.get("nonce") == str(known.hit) and proof.get("iterations") == known.hit + 1
    report.judge(
        "proof",
        is_true and is_first,
        message=message,
        sha256=digest,
        iterations=proof.get("iterations"),
        first_known=known.hit,
    )
