"""Fixtures that any test may ask for. The stack starts when the first test asks, once for the whole run."""

import gc
import os
from collections.abc import Iterator

import pytest

from infra.local.errors import PackagesMissing
from infra.local.folders import cache_folder
from infra.local.stack import CHECKOUT, Endpoints
from infra.local.system_libraries import library_folder, preload, with_libraries
from tests.embedded import Databases, Rooms, endpoints_of_this_run, run_apart


def pytest_configure(config: pytest.Config) -> None:
    """Tests that import Open3D, and processes that they start, find its system libraries."""
    try:
        folder = library_folder(cache_folder(os.environ, CHECKOUT))
    except PackagesMissing as error:
        config.issue_config_time_warning(pytest.PytestConfigWarning(str(error)), stacklevel=2)
        return
    if folder:
        preload(folder)
        os.environ.update(with_libraries(os.environ, folder))


def pytest_collection_finish() -> None:
    """Looking for garbage among the modules of all tests, which nobody throws away, took a fifth of the gateway's."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def endpoints() -> Endpoints:
    """The run's stack: addresses, secrets, keys."""
    return endpoints_of_this_run()


@pytest.fixture(scope="session")
def databases(endpoints: Endpoints) -> Databases:
    """Makes databases from templates; for tests that need more than one, or a template of their own."""
    return Databases(endpoints)


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A database of this test's own, with PostGIS and nothing else; the administrator's URL."""
    url = databases.fresh()
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def migrated_template(databases: Databases, endpoints: Endpoints) -> str:
    """A template at the newest revision, with the runtime roles made."""
    from db.migrate import migrate

    return databases.template("d2r_migrated", lambda url: run_apart(migrate(url, endpoints.keys.folder)))


@pytest.fixture
def database_url(databases: Databases, migrated_template: str) -> Iterator[str]:
    """A migrated database of this test's own; the administrator's URL."""
    url = databases.fresh(migrated_template)
    yield url
    databases.drop(url)


@pytest.fixture(scope="module")
def module_database_url(databases: Databases, migrated_template: str) -> Iterator[str]:
    """A migrated database that the tests of one module share."""
    url = databases.fresh(migrated_template)
    yield url
    databases.drop(url)


@pytest.fixture
def redis_url(endpoints: Endpoints) -> str:
    """An empty numbered Valkey database of this test's own. Channels of publish/subscribe are still everybody's."""
    return Rooms(endpoints).valkey()


@pytest.fixture(scope="module")
def module_redis_url(endpoints: Endpoints) -> str:
    """An empty numbered Valkey database that the tests of one module share."""
    return Rooms(endpoints).valkey()
