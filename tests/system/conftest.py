"""A private broker for the tests that need one: started on first use, one per test session."""

from collections.abc import Iterator

import pytest

from ops.broker import Broker, private_broker
from tests.system.recipients import a_registration


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Give the whole topology with a Jobcenter and a provider on a node of our own."""
    recipients = [a_registration("jobcenter-essen"), a_registration("lvr-klinik")]
    with private_broker(tmp_path_factory.mktemp("stage"), recipients=recipients) as started:
        yield started
