"""What the functional tests stand on: the real programs, started with a clean environment in fresh folders.

LATHE_BIN_DIR names the folder with `lathe` and `lathe-model-server` (default: build/dev/bin).
"""
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from support import Lathe, ModelServer, start_first  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("LATHE_BIN_DIR", ROOT / "build/dev/bin")).resolve()


def pytest_collection_modifyitems(items):
    start_first(items, ["thousands_of_calls", "what_lasts", "drops_packets", "what_passes", "line_of_the_full_length", "the_demo_repairs",
                        "answer_of_megabytes"])


def make_repository(parent):
    """A fresh git repository with one commit."""
    folder = parent / "repository"
    folder.mkdir()
    (folder / "greeting.txt").write_text("hello\nworld\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(parent), "GIT_CONFIG_NOSYSTEM": "1",
                   "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.invalid",
                   "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.invalid"}
    for words in (["init", "-q", "-b", "main", "."], ["add", "."], ["commit", "-q", "-m", "start"]):
        subprocess.run(["git", *words], cwd=folder, env=environment, check=True)
    return folder


@pytest.fixture
def repository(tmp_path):
    return make_repository(tmp_path)


@pytest.fixture
def start_server(tmp_path):
    """start_server(answer, …, port=0, **rest of the script) -> ModelServer; all are stopped at the end."""
    started = []

    def start(*answers, port=0, **script):
        server = ModelServer(BIN / "lathe-model-server", tmp_path, dict(script, answers=list(answers)), port)
        started.append(server)
        return server

    yield start
    violations = [violation for server in started for violation in server.end()]
    assert violations == []  # no request broke the rules of its wire


@pytest.fixture
def lathe(tmp_path, repository):
    """The program in the fresh repository, with a fresh data root and no backend."""
    program = Lathe(BIN / "lathe", tmp_path / "lathe-home", repository)
    yield program
    program.stop_all()


@pytest.fixture
def another_lathe(tmp_path):
    """another_lathe(name) -> the program with a repository and a data root of its own, to run beside others."""
    made = []

    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        made.append(Lathe(BIN / "lathe", folder / "lathe-home", make_repository(folder)))
        return made[-1]

    yield make
    for program in made:
        program.stop_all()


@pytest.fixture
def daemon(lathe):
    """daemon() -> its status; whatever runs at the end is stopped."""
    lathe.variables["CI"] = None

    def start():
        lathe.ok("daemon", "start")
        return lathe.ok("daemon", "status", "--json").document

    yield start
    lathe.ok("daemon", "stop")
    assert "Sanitizer" not in (lathe.home / "state/daemon.log").read_text()


@pytest.fixture
def listen(lathe):
    """listen() -> where a daemon, as it is configured by then, takes clients; it is stopped at the end."""
    lathe.variables["CI"] = None

    def start():
        lathe.ok("daemon", "start", "--listen", "127.0.0.1:0")
        host, port = lathe.ok("daemon", "status", "--json").document["listen"].split(":")
        return host, int(port)

    yield start
    lathe.ok("daemon", "stop")
    assert "Sanitizer" not in (lathe.home / "state/daemon.log").read_text()
