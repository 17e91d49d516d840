"""One cluster for the tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster

SETTINGS = {
    "DEBUG": "false",
    "SECRET_KEY": "of nothing but this test " * 2,
    "DJANGO_SETTINGS_MODULE": "tests.deployment.settings",
    # Of loopback, and of the hosts that are made for the test.
    "MODEL_HOSTS": "127.0.0.0/8,198.18.0.0/15",
    "MAX_STREAMS_PER_PERSON": "1000",
    "WORKER_GRACE": "90",
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two web processes behind nginx, pgbouncer, and no worker."""
    folder: Path = tmp_path_factory.mktemp("cluster")
    with Cluster(folder, word_delay=0.03, web=2, proxies=True, **SETTINGS) as cluster:
        yield cluster
