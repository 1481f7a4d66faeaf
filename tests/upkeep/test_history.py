"""What stays of removed jobs, in a store that is damaged and repaired."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from outlast.core.findings import Level
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.backup import copy_store
from outlast.storage.sqlite.history import BLOCK
from tests.contract.making import ended
from tests.formats.past import LATER, history_lines, told
from tests.formats.test_past import EXPECTED
from tests.formats.test_stored import unpack
from tests.upkeep.places import change, findings, furnished, mend


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a data directory with three blocks of removed jobs, the last one not full; nothing of it is in a copy."""
    path = furnished(tmp_path / "jobs")
    with closing(SqliteStore(path)) as store:
        with store.batch():
            for number in range(BLOCK * 2 + 50):
                ended(store, key=f"k{number}" if number % 50 == 0 else None)
        while store.prune(older_than_seconds=-1, limit=200):
            pass
    (tmp_path / "jobs" / "jobs.json").unlink()
    return tmp_path / "jobs"


def keys_known(store: SqliteStore) -> list[int]:
    return [number for number in range(0, BLOCK * 2 + 50, 50) if store.removed(f"k{number}") is not None]


def test_a_damaged_block_is_lost_and_said_and_the_others_stay(place: Path) -> None:
    (place / "backup" / "jobs.db").unlink()
    change(place / "jobs.db", "UPDATE history_blocks SET packed = zeroblob(3000) WHERE number = 2")
    assert "history_blocks" in findings(place)["store"].says

    repaired = mend(place)

    assert repaired.recovered is not None
    assert repaired.recovered.unreadable == {"history_blocks": 1}
    with closing(SqliteStore(place / "jobs.db")) as store:
        assert len(history_lines(store)) == 60 + BLOCK
        assert 3 < len(keys_known(store)) < 15
        assert store.database.execute("SELECT count FROM history_blocks") == [(BLOCK,), (60,)]
    assert findings(place)["store"].level is Level.OK


def test_the_copy_gives_back_what_it_has_of_a_damaged_block(place: Path) -> None:
    for _ in copy_store(place / "jobs.db", place / "backup" / "jobs.db"):
        pass
    with closing(SqliteStore(place / "jobs.db")) as store:
        store.remove(ended(store, key="new"), "me")
        before = sorted(map(str, history_lines(store)))
    change(place / "jobs.db", "UPDATE history_blocks SET packed = zeroblob(3000) WHERE number = 1")

    mend(place)

    with closing(SqliteStore(place / "jobs.db")) as store:
        assert sorted(map(str, history_lines(store))) == before
        assert store.removed("new") is not None
        assert keys_known(store) == list(range(0, BLOCK * 2 + 50, 50))


def test_keys_are_found_again_in_the_blocks(place: Path) -> None:
    change(place / "jobs.db", "DELETE FROM history_keys WHERE key = 'k50'")
    assert "history_keys" in findings(place)["store"].says

    mend(place)

    with closing(SqliteStore(place / "jobs.db")) as store:
        assert 50 in keys_known(store)


def test_the_history_of_an_old_damaged_store_comes_back(tmp_path: Path) -> None:
    place = tmp_path / "jobs"
    furnished(place)
    shutil.rmtree(place / "backup")
    (place / "jobs.json").unlink()
    unpack("history-5/jobs.db.gz", place / "jobs.db")
    change(place / "jobs.db", "UPDATE jobs SET status = 'sleeping' WHERE seq = (SELECT max(seq) FROM jobs)")

    mend(place)

    with closing(SqliteStore(place / "jobs.db", clock=lambda: LATER)) as store:
        shown = told(store)
    assert {name: shown[name] for name in ("lines", "removed", "names")} == {
        name: EXPECTED[name] for name in ("lines", "removed", "names")
    }
