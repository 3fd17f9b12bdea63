"""LATHE_BIN_DIR names the folder with `lathe` (default: build/dev/bin). LATHE_ESCAPE=long: every level; else the
strongest one that the machine gives, and the weakest."""
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(ROOT / "tests" / "functional"))
BIN = pathlib.Path(os.environ.get("LATHE_BIN_DIR", ROOT / "build/dev/bin")).resolve()


@pytest.fixture
def lathe_program():
    return str(BIN / "lathe")
