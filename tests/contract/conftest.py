"""The stores the contract is run against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from outlast.core.ports import Supervision
from tests.contract.making import STORES, Clock, Shop


@pytest.fixture(params=list(STORES))
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """Return a directory for a store of each kind; everything opened there is closed afterwards."""
    place = Shop(kind=request.param, directory=tmp_path)
    yield place
    place.close()


@pytest.fixture
def store(shop: Shop) -> Supervision:
    """Return an empty store."""
    return shop.open()


@pytest.fixture
def clock(shop: Shop) -> Clock:
    """Return the clock of the store."""
    return shop.clock
