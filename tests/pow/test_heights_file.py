"""Whatever is wrong with the file that processes share costs a poll and nothing else."""

import json
import os
import zlib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from outlast.durable import new_file_beside
from outlast.pow.chain.heights import open_heights
from tests.pow.chain import Chain
from tests.pow.looking import Opened, the_file
from tests.pow.ticking import Ticking

DAMAGES: list[bytes] = [
    b"",
    b"\0" * 300,
    b"{",
    b"[]",
    b"null",
    b"NaN",
    b"\xff\xfe",
    b"[" * 8000,
    b'{"asked": 5, "error": "", "told": null}',
    b" " * 10_000_000,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: repr(damage[:20]))
def test_a_damaged_file_costs_a_poll_and_is_replaced(chain: Chain, opened: Opened, cache: Path, damage: bytes) -> None:
    opened().look()
    the_file(cache).write_bytes(damage)

    assert [opened().look().value for _ in range(3)] == [1000] * 3
    assert chain.polls == 2


WRONG: list[Any] = [None, True, "x", -1, 1.5, 2**63, 10**400, 1e300, [], {}, float("nan"), float("inf")]


@pytest.mark.parametrize(
    "field", ["asked", "error", "told", "asked.wall", "asked.since_boot", "asked.boot", "told.height", "told.at"]
)
def test_a_field_that_is_wrong_never_becomes_a_height(
    chain: Chain, clock: Ticking, opened: Opened, cache: Path, field: str
) -> None:
    opened().look()
    whole = json.loads(the_file(cache).read_bytes().partition(b" ")[2])
    *above, last = field.split(".")

    for height, value in enumerate(WRONG):
        fields = deepcopy(whole)
        inner = fields[above[0]] if above else fields
        inner[last] = value
        content = json.dumps(fields).encode()
        the_file(cache).write_bytes(b"%08x %s" % (zlib.crc32(content), content))
        chain.stand(height)
        clock.go(5)
        assert opened().look().value == height


def test_a_flipped_bit_anywhere_costs_a_poll(chain: Chain, opened: Opened, cache: Path) -> None:
    opened().look()
    whole = the_file(cache).read_bytes()

    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        the_file(cache).write_bytes(damaged)
        assert opened().look().value == 1000

    assert chain.polls == 1 + len(whole)


def a_directory(place: Path) -> None:
    place.mkdir()
    (place / "something").touch()


def a_pipe(place: Path) -> None:
    os.mkfifo(place)


def a_loop(place: Path) -> None:
    place.symlink_to(place)


def a_device(place: Path) -> None:
    place.symlink_to("/dev/zero")


@pytest.mark.parametrize("ending", ["json", "lock"])
@pytest.mark.parametrize("put", [a_directory, a_pipe, a_loop, a_device])
def test_something_else_in_the_place_of_a_file_is_survived(
    opened: Opened, cache: Path, put: Callable[[Path], None], ending: str
) -> None:
    opened().look()
    place = the_file(cache).with_suffix(f".{ending}")
    place.unlink()
    put(place)

    assert [opened().look().value for _ in range(2)] == [1000] * 2


def test_without_a_directory_a_process_has_its_own_polls(chain: Chain, clock: Ticking, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    heights = open_heights(
        database_url=None, api_url=chain.url, cache_dir=tmp_path / "file" / "run", clock=clock, patience_seconds=1
    )

    assert [heights.look().value for _ in range(5)] == [1000] * 5
    assert chain.polls == 1
    chain.close()
    clock.go(50)
    assert heights.look().value == 1010


def test_what_a_killed_writer_leaves_is_swept_and_a_living_one_is_let_be(
    clock: Ticking, opened: Opened, cache: Path
) -> None:
    opened().look()
    leftover = cache / f".{the_file(cache).name}.0ld.tmp"
    leftover.touch()
    clock.go(5)

    with new_file_beside(the_file(cache), 0o600) as (_, written):
        opened().look()

        assert not leftover.exists()
        assert written.exists()
