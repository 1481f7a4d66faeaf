"""A shop: the jobs of a workshop, as the server's tools see them."""

from collections.abc import Iterator
from typing import Any

import pytest

from outlast.app import open_service
from outlast.apps import told_of
from outlast.clients.mcp import offers
from outlast.clients.mcp.tools import Shop
from outlast.functions import home_of_this_process
from tests.workshop import Workshop


@pytest.fixture(scope="session")
def told() -> dict[str, Any]:
    """Return what the fixture jobs tell of themselves; asked once, it takes a process."""
    return told_of("tests.mcp.conformance_jobs", "outlast.clients.mcp.signatures")


@pytest.fixture
def shop(workshop: Workshop, told: dict[str, Any]) -> Iterator[Shop]:
    """Return the shop of this test's data directory."""
    home = home_of_this_process()
    known = {job["kind"]: offers.offer_of(job, home) for job in told["jobs"]}
    known |= offers.offers_of(workshop.settings, None)
    service = open_service(workshop.settings, client="mcp")
    yield Shop(service=service, settings=workshop.settings, offers=known)
    service.close()
