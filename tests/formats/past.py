"""A store in which most jobs were removed, made through the store's own protocol, and what is to be told of it.

    python -m tests.formats.past DIRECTORY

writes `jobs.db` and `told.json`, and both compressed. `stored/history-5` was made by it with the program of its time,
in which each removed job had a row of its own; see furnish.py for how.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from outlast.core.errors import KeyConflict
from outlast.core.job import NewJob, Spec
from outlast.core.policies import Policy
from outlast.core.status import Reason, Status
from outlast.storage.exchange.exporting import Export
from outlast.storage.sqlite import SqliteStore
from tests.formats.furnish import NOON, Furnisher, home

HOURS, DAYS = 60, 4
JOBS = 1_100
LATER = NOON + JOBS * 66_000
"""After all of it."""
ARGS = '{"args":[],"kwargs":{}}'


def spec(kind: str) -> Spec:
    """Return what jobs of this kind run."""
    return Spec(kind=kind, target="app.jobs:demo", policy=Policy(), home=home())


def furnish_past(path: Path) -> None:
    """Make a store of which most jobs were removed, and some are still there."""
    maker = Furnisher(path)
    with maker.store.batch():
        for number in range(JOBS):
            _end(maker, number)
    assert maker.now < LATER
    maker.store.prune(older_than_seconds=3600.0, limit=JOBS)
    while maker.store.give_back(500):
        pass
    maker.store.close()


def _end(maker: Furnisher, number: int) -> None:
    kind = ("demo", "nightly-report", "a.b_c")[number % 3] if number % 97 else "rare"
    fields: dict[str, Any] = {"key": f"key é {number}"} if number % 5 == 0 else {}
    if number % 11 == 0:
        fields["account"] = f"user{number % 4}@example.org"
    if number % 50 == 7:
        fields["id"] = f"an id of another program, {number}"
    job = maker.run(kind, args=ARGS, **fields)
    maker.now += number * 37 % 9_000
    if number % 13 == 0:
        maker.move(job, Status.FAILED, Reason.ERROR, error=f"ValueError: row {number} {'é' * (number % 3)}")
    elif number % 101 == 0:
        maker.move(job, Status.CANCELLED, Reason.USER)
    else:
        maker.move(job, Status.COMPLETED, result="1")


def told(store: SqliteStore) -> dict[str, Any]:
    """Return all that is told of removed jobs; nothing is changed by it."""
    lines = sorted(history_lines(store), key=lambda line: str(line["job_id"]))
    since = (LATER - NOON) / 2000
    figures = {**asdict(store.figures(hours=HOURS, days=DAYS, newest=100)), "store_bytes": None}
    shown = {
        "lines": lines,
        "figures": figures,
        "failures": [asdict(store.failures(since_seconds=each, limit=3)) for each in (None, since, 60.0)],
        "groups": [asdict(found) for found in _groups(store, since)],
        "names": sorted(store.failure_names()),
        "removed": [[text, _removed(store, text)] for text in asked(lines)],
        "last end": store.last_end(),
        "submitted": [submitted(store, line["key"], ARGS) for line in lines if line.get("key")][:9],
        "refused": submitted(store, "key é 0", '{"args":[1],"kwargs":{}}'),
    }
    value: dict[str, Any] = json.loads(json.dumps(shown))
    return value


def history_lines(store: SqliteStore) -> list[dict[str, Any]]:
    """Return the lines of removed jobs in an export."""
    raw = b"".join(Export(store.database, program="0.1.0").pieces(NOON))
    return [line for line in map(json.loads, raw.splitlines()) if line["type"] == "history"]


def asked(lines: list[dict[str, Any]]) -> list[str]:
    """Return ids and keys that somebody may ask for."""
    return [*(line["job_id"] for line in lines[::20]), *(f"key é {number}" for number in range(0, 99, 5)), "none"]


def submitted(store: SqliteStore, key: str, args: str) -> str:
    """Return which job has a key, or that it was refused."""
    job = NewJob(id="new_1_0123456789abcdef", spec=spec("demo"), args=args, key=key)
    for kind in ("demo", "nightly-report", "a.b_c", "rare"):
        try:
            return store.submit([job._replace(spec=spec(kind))])[0].job_id
        except KeyConflict:
            continue
    return "refused"


def _groups(store: SqliteStore, since: float) -> Iterator[Any]:
    for name in sorted(store.failure_names()):
        for seconds in (None, since):
            found = store.failure(name, since_seconds=seconds)
            if found is not None:
                yield found


def _removed(store: SqliteStore, text: str) -> Any:
    found = store.removed(text)
    return found and asdict(found)


def main() -> None:
    """Make a store in the directory of the command line, and write down what is told of it."""
    directory = Path(sys.argv[1])
    furnish_past(directory / "jobs.db")
    with closing(SqliteStore(directory / "jobs.db", clock=lambda: LATER)) as store:
        text = json.dumps(told(store), indent=1, sort_keys=True)
    (directory / "told.json").write_text(text, encoding="ascii")
    for name in ("jobs.db", "told.json"):
        (directory / f"{name}.gz").write_bytes(gzip.compress((directory / name).read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
