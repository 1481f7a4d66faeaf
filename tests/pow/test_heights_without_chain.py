"""Heights that need no chain: one that stands still, one that is reckoned; and what is said if there is nothing."""

import os
from pathlib import Path

import pytest

from outlast.pow.chain.heights import Heights, NoHeightSource, Simulation, open_heights
from outlast.pow.rules import WrongPuzzle
from tests.pow.chain import Chain
from tests.pow.ticking import Ticking

START = Simulation(seconds_per_block=0.5, start_height=100, started_at=Ticking().moment.wall)


def opened(clock: Ticking, block_height: int | None = None, simulate: Simulation | None = None) -> Heights:
    return open_heights(
        database_url="postgresql://nowhere.invalid/db",
        api_url="http://127.0.0.1:1",
        cache_dir=Path(os.devnull) / "run",
        block_height=block_height,
        simulate=simulate,
        clock=clock,
    )


def test_a_height_that_was_given_stands_still_and_beats_everything() -> None:
    clock = Ticking()
    heights = opened(clock, block_height=9000, simulate=START)
    clock.go(1_000_000)

    height = heights.look()

    assert (height.value, height.at, height.source) == (9000, clock().wall, "fixed")


@pytest.mark.parametrize(
    ("seconds", "height"), [(0, 100), (0.49, 100), (0.5, 101), (60, 220), (-60, 100), (1e9, 2e9 + 100)]
)
def test_a_simulated_height_follows_from_the_time_alone(seconds: float, height: int) -> None:
    clock = Ticking()
    clock.go(seconds)

    one, another = opened(clock, simulate=START).look(), opened(clock, simulate=START).look()

    assert one == another
    assert (one.value, one.at, one.source) == (height, clock().wall, "simulated")


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_block_must_take_some_time(seconds: float) -> None:
    with pytest.raises(WrongPuzzle, match="no time for a block"):
        Simulation(seconds_per_block=seconds, start_height=1, started_at=0)


@pytest.mark.parametrize("height", [-1, 2**63])
def test_a_height_that_cannot_be_is_refused(height: int) -> None:
    with pytest.raises(WrongPuzzle, match="block_height"):
        opened(Ticking(), block_height=height)
    with pytest.raises(WrongPuzzle, match="start height"):
        Simulation(seconds_per_block=1, start_height=height, started_at=0)


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_without_any_source_it_is_said_what_to_set(tmp_path: Path, nothing: str | None) -> None:
    heights = open_heights(database_url=nothing, api_url=nothing, cache_dir=tmp_path)

    with pytest.raises(NoHeightSource) as raised:
        heights.look()

    for word in ("CONSENSUS_API_URL", "DATABASE_URL", "--block-height"):
        assert word in raised.value.fix
    assert raised.value.code == "usage"
    assert not list(tmp_path.iterdir())


def name(database_url: str | None = None, api_url: str | None = None, simulate: Simulation | None = None) -> str:
    return open_heights(database_url=database_url, api_url=api_url, cache_dir=Path("run"), simulate=simulate).name


def test_the_same_source_has_the_same_name_and_another_has_another() -> None:
    names = [
        name("postgresql://u:one@host/db"),
        name("postgresql://u:one@host:5433/db"),
        name("postgresql://host:5432/db?user=me@corp"),
        name("postgresql://host:5433/db?user=me@corp"),
        name("host=h user=u password=one"),
        name(None, "http://host/"),
        name(None, "http://host:81/"),
        name(None, "http://u:one@host:80/x@y"),
        name(None, "http://u:one@host:81/x@y"),
        name("postgresql://u:one@host/db", "http://host/"),
        name(simulate=START),
    ]

    assert len(set(names)) == len(names)
    assert name("postgresql://u:one@host/db") == names[0]


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:{}@host/db",
        "postgresql://host/db?user=u&password={}",
        "host=h password={} user=u",
        "host=h password='{}' user=u",
        "https://u:{}@host/api",
    ],
)
def test_the_name_does_not_depend_on_the_password(address: str) -> None:
    assert name(address.format("one")) == name(address.format("two"))


def test_two_sources_do_not_share_their_polls(tmp_path: Path) -> None:
    with Chain(height=1) as one, Chain(height=2) as two:
        values = [
            open_heights(database_url=None, api_url=chain.url, cache_dir=tmp_path).look().value for chain in (one, two)
        ]

    assert values == [1, 2]
