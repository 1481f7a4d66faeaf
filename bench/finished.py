"""A store with many finished jobs: one of twenty has failed, in 25 ways; one of five has been removed since."""

import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from outlast.core.errorgroups import error_group
from outlast.core.job import Home, NewJob, Spec
from outlast.core.policies import Policy
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.history import History
from outlast.storage.sqlite.traces import Trace

KINDS = ("mirror", "mail", "report", "ping", "crawl")
RARE = "rare"
"""One of 5,000."""
ERRORS = (
    "HTTPError: 503 for https://example.org/{n}",
    "KeyError: 'k{n}'",
    "TimeoutError: ran longer than {n} s",
    "exit code 3",
    "killed by SIGKILL",
    *(f"ValueError: row {{n}} is odd, case {letter}" for letter in "abcdefghijklmnopqrst"),
)
DAYS = 14
_INSERT = (
    "INSERT OR IGNORE INTO jobs (seq, id, kind, status, reason, spec_id, queue, priority, keep, created_at, started_at,"
    " updated_at, completed_at, attempt, actor, error, error_group, result, args)"
    " VALUES (?, ?, ?, ?, ?, ?, 'default', 0, 0, ?, ?, ?, ?, 1, 'cli:me', ?, ?, ?, '{\"args\":[],\"kwargs\":{}}')"
)
_REMOVED = (
    "SELECT 'h' || id, NULL, kind, NULL, status, reason, error_group, created_at, started_at, completed_at,"
    " completed_at + 3600000, 'retention', NULL FROM jobs WHERE seq % 5 = 0 ORDER BY completed_at"
)


def kept(directory: Path, finished: int) -> Path:
    """Return the path of such a store in a directory of its own, which is made where it is missing, all or nothing."""
    if not directory.exists():
        making = directory.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        fill(making / "jobs.db", finished)
        making.rename(directory)
    return directory / "jobs.db"


def fill(path: Path, finished: int) -> None:
    """Make a store with so many finished jobs, spread over the last days."""
    store = SqliteStore(path)
    home = Home(interpreter=sys.executable, path=("/app",), cwd="/")
    specs = {kind: Spec(kind=kind, target="module:function", policy=Policy(), home=home) for kind in (*KINDS, RARE)}
    store.submit([NewJob(id=f"{kind}_1_{0:016x}", spec=spec, args="{}") for kind, spec in specs.items()])
    database = store._database
    known: dict[str, int] = dict(database.execute("SELECT kind, spec_id FROM jobs"))
    with database.write():
        database.execute("DELETE FROM jobs")
        database.executemany(_INSERT, rows(finished, store.now(), known))
        History(database.execute).add([Trace(*row) for row in database.execute(_REMOVED)])
    store.close()


def rows(finished: int, now: int, specs: dict[str, int]) -> Iterator[tuple[object, ...]]:
    chance = random.Random(1)
    length = DAYS * 86_400_000
    for n in range(finished):
        kind = KINDS[n % len(KINDS)] if n % 5000 else RARE
        at = now - length + n * length // finished
        end = at + chance.randint(100, 60_000)
        error = chance.choice(ERRORS).format(n=n) if chance.random() < 0.05 else None
        status, reason = ("failed", "error") if error else ("completed", None)
        group = error_group(error) if error else None
        result = None if error else '{"ok":true}'
        job_id = f"{kind}_{at}_{n:016x}"
        yield (at * 1024, job_id, kind, status, reason, specs[kind], at, at, end, end, error, group, result)
