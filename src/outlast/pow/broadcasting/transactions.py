"""What a receiver answered, turned into the `transaction` of a job: bounded, and without anything that is not text."""

import csv
import json
import re
from collections.abc import Mapping
from typing import Any

from outlast.pow.broadcasting.sending import Transaction
from outlast.pow.network.safetext import one_line

STATUS = "broadcast"
MESSAGE = "Transaction broadcast successfully"
_MOST = {"transaction_hash": 200, "transaction_id": 200, "status": 60, "message": 500}
_MOST_LETTERS = 64 * 1024
_LARGEST_NUMBER = 2**63 - 1
_HASH = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{32,128}")


def from_fields(fields: Mapping[str, Any]) -> Transaction:
    """Return the transaction that an object describes; what has another name or is no text or number is left out."""
    transaction = Transaction(
        status=_line(fields, "status") or STATUS,
        message=_line(fields, "message") or MESSAGE,
    )
    number = fields.get("transaction_id")
    if isinstance(number, int) and not isinstance(number, bool) and abs(number) <= _LARGEST_NUMBER:
        transaction["transaction_id"] = number
    elif text := _line(fields, "transaction_id"):
        transaction["transaction_id"] = text
    if text := _line(fields, "transaction_hash"):
        transaction["transaction_hash"] = text
    return transaction


def from_text(text: str | None) -> Transaction:
    """Return the transaction that the text of a database's value tells of: JSON, a row, a number, a hash, or words."""
    begin = (text or "").strip()[:_MOST_LETTERS]
    try:
        found = json.loads(begin)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return from_fields(found if _MOST.keys() & found.keys() else {"message": f"The signer answered: {begin}"})
    if begin.startswith("(") and begin.endswith(")"):
        return _from_pieces(_row(begin))
    return _from_pieces([found if isinstance(found, str) else begin])


def _row(text: str) -> list[str]:
    """Return the columns of a row as PostgreSQL writes one: `(1,0xab,"some words")`."""
    try:
        rows = list(csv.reader([text[1:-1].replace("\\\\", "\\")], strict=True))
    except csv.Error:
        rows = []
    return rows[0] if len(rows) == 1 else [text]


def _from_pieces(pieces: list[str]) -> Transaction:
    """Return a transaction of values without names: a hash, a number, and words, each known by its looks."""
    fields: dict[str, Any] = {}
    words = []
    for piece in filter(None, pieces):
        if _HASH.fullmatch(piece) and "transaction_hash" not in fields:
            fields["transaction_hash"] = piece
        elif _is_number(piece) and "transaction_id" not in fields:
            fields["transaction_id"] = int(piece)
        else:
            words.append(piece)
    return from_fields({**fields, "message": f"The signer answered: {', '.join(words)}"} if words else fields)


def _is_number(piece: str) -> bool:
    digits = piece.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) < len(str(_LARGEST_NUMBER))


def _line(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return one_line(value, _MOST[name]) if isinstance(value, str) else ""
