"""A chain, a clock, and a place for what processes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from outlast.pow.chain.heights import open_heights
from tests.pow.chain import Chain
from tests.pow.looking import Opened
from tests.pow.proofs import Notebook
from tests.pow.ticking import Ticking

PATIENCE_SECONDS = 30.0


@pytest.fixture
def chain() -> Iterator[Chain]:
    """Return a chain's server at height 1000."""
    with Chain() as place:
        yield place


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def opened(chain: Chain, clock: Ticking, cache: Path) -> Opened:
    """Return a function that opens the heights as one more process would."""
    return lambda patience_seconds=PATIENCE_SECONDS: open_heights(
        database_url=None, api_url=chain.url, cache_dir=cache, clock=clock, patience_seconds=patience_seconds
    )


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    """Return what a sender notes in, still empty."""
    return Notebook(tmp_path / "noted")
