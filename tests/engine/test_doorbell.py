"""The way of a client to its supervisor."""

import shutil

import pytest

from outlast.app import launch_of
from outlast.core.errors import StoreGone
from outlast.engine.doorbell import SocketDoorbell
from tests.workshop import Workshop


def test_a_directory_that_was_removed_is_named(workshop: Workshop) -> None:
    launch = launch_of(workshop.settings, workshop.places)
    bell = SocketDoorbell(str(workshop.places.socket), launch, has_row=lambda: False, has_work=lambda: True)
    shutil.rmtree(workshop.root)

    with pytest.raises(StoreGone, match="was removed") as told:
        bell.ensure()

    assert str(workshop.root) in str(told.value)
