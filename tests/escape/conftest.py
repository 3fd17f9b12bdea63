"""LATHE_BIN_DIR names the folder with `lathe` (default: build/dev/bin)."""
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(ROOT / "tests" / "functional"))
BIN = pathlib.Path(os.environ.get("LATHE_BIN_DIR", ROOT / "build/dev/bin")).resolve()

from support import start_first  # noqa: E402
from world import USERS, World, finish  # noqa: E402


def pytest_collection_modifyitems(items):
    start_first(items, ["too_many_with_the_watcher_stopped", "timeout_with_the_watcher_stopped", "log_without_end", "memory_taken"])


@pytest.fixture
def lathe_program():
    return str(BIN / "lathe")


@pytest.fixture
def world():
    made = []

    def make(user, with_secrets=False):
        made.append(World(USERS[user], with_secrets))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def pytest_sessionfinish():
    finish()
