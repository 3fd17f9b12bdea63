"""The daemon dies at random instants while clients stream, and comes back (README.md)."""
import collections
import json
import os
import pathlib
import random
import secrets
import select
import shutil
import signal
import subprocess
import tempfile

import pytest

from checks import check_records, processes_in
from followers import Crowd, Driver, Follower
from frames import configure, connect
from support import LONG_FORMS, Lathe, ModelServer, calls, says, shell, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("LATHE_BIN_DIR", ROOT / "build/dev/bin")).resolve()
SEED = os.environ.get("LATHE_CRASH_SEED") or secrets.token_hex(4)
# Each world has its share of the kills, so that worlds run side by side.
WORLDS = 4
KILLS = (500 if LONG_FORMS else 60) // WORLDS
SESSIONS, WATCHERS = 3, 2
# So many frames reach all clients together between a kill and the one before it: about what one Task of each gives.
MOST_FRAMES = 150


def script():
    """Answers that no two requests share, so that a name of an effect stands for one call."""
    talk = [step for word in range(12) for step in (f"word{word} ", {"delay_ms": 4})]
    return {"answers": [calls(shell(f"echo effect{number} >> effects.txt; seq 1 3000"), text=talk[:4]) if number % 3
                        else says(*talk) for number in range(100 * KILLS)]}


class World:
    """One data root whose daemon is killed and started again, with a session for each driver."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lathe-kills-"))
        project = self.folder / "project"
        project.mkdir()
        self.server = ModelServer(BIN / "lathe-model-server", self.folder, script())
        self.lathe = Lathe(BIN / "lathe", self.folder / "home", project)
        self.lathe.use(self.server)
        self.lathe.variables["CI"] = None
        self.daemon = None
        self.log = open(self.folder / "daemon.log", "wb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.lathe.stop_all()
        self.server.end()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def socket(self):
        return str(self.folder / "home/run/daemon.sock")

    def start(self):
        """A client for the moment that it takes one."""
        self.daemon = subprocess.Popen(self.lathe.argv(["daemon", "start", "--foreground"]), cwd=self.lathe.cwd,
                                       env=self.lathe.environment(), stdin=subprocess.DEVNULL, stdout=self.log,
                                       stderr=self.log, start_new_session=True)
        return wait_until(self.try_to_connect, "the daemon")

    def try_to_connect(self):
        assert self.daemon.poll() is None, (self.folder / "daemon.log").read_text()
        try:
            return connect({"socket": self.socket})
        except OSError:  # not yet there, or what its predecessor left
            return None

    def kill(self):
        if self.daemon:
            self.daemon.send_signal(signal.SIGKILL)
            self.daemon.wait()
        self.daemon = None

    def stop(self):
        self.daemon.terminate()
        code = self.daemon.wait()
        self.daemon = None
        told = (self.folder / "daemon.log").read_text()
        assert code == 0 and "Sanitizer" not in told, told

    def effects(self):
        path = self.lathe.cwd / "effects.txt"
        return collections.Counter(path.read_text().split() if path.exists() else [])


def make_followers(world):
    world.start().connection.close()
    followers = []
    for number in range(SESSIONS):
        frames = world.try_to_connect()  # a connection has one session of its own
        session = frames.ask("make", configure(world.lathe.cwd))["ack"]["session"]
        frames.connection.close()
        followers.append(Driver(f"driver-{number}", session))
        followers += [Follower(f"watcher-{number}-{which}", session) for which in range(WATCHERS)]
    assert len({one.session for one in followers}) == SESSIONS
    return followers


def kill_again_and_again(world, crowd, chance):
    for kill in range(KILLS):
        if not world.daemon:
            world.start().connection.close()
        crowd.connect_all()
        if kill % 5 == 0:
            # However slow the machine is: some kills come after calls ran.
            ran = sum(world.effects().values())
            crowd.read_until(lambda: sum(world.effects().values()) > ran, f"a call before kill {kill}")
        enough = crowd.frames + chance.randint(1, MOST_FRAMES)
        crowd.read_until(lambda: crowd.frames >= enough, f"frames before kill {kill}")
        select.select([], [], [], chance.uniform(0, 0.005))
        world.kill()
        crowd.read_to_the_end()


def catch_up(world, crowd):
    """Everyone has seen the same, and the Task that each driver has running has ended."""
    world.start().connection.close()
    for driver in drivers(crowd):
        driver.inputs = driver.submitted
    crowd.connect_all()
    crowd.read_until(lambda: all(driver.submitted > driver.inputs for driver in drivers(crowd)) and
                     all(len(one.records) == len(driver.records) for driver in drivers(crowd)
                         for one in of_session(crowd, driver.session)), "the last Tasks")


def drivers(crowd):
    return [one for one in crowd.followers if isinstance(one, Driver)]


def of_session(crowd, session):
    return [one for one in crowd.followers if one.session == session]


def check_session(world, crowd, driver):
    exported = world.lathe.ok("session", "export", driver.session, "--embedded").out.splitlines()
    for follower in of_session(crowd, driver.session):
        assert follower.records == exported[:len(follower.records)], f"{follower.name} was told something else"
    assert len(driver.records) >= len(exported) - 1, exported[-3:]  # the end of the session may follow
    records = [json.loads(line) for line in exported]
    # An input that came twice was taken once.
    inputs = collections.Counter(record["by"] for record in records if record["msg"]["type"] == "user_message")
    assert not [by for by, times in inputs.items() if times > 1], inputs
    for op, seq in driver.acks.items():
        assert records[seq - 1]["by"] == f"{driver.name}/{op}", f"{op} was acknowledged with {seq}"
    check_records(exported, world.effects())


@pytest.mark.parametrize("number", range(WORLDS))
def test_the_daemon_is_killed_at_random(number):
    print(f"LATHE_CRASH_SEED={SEED}")
    with World() as world, Crowd(make_followers(world), world.socket) as crowd:
        kill_again_and_again(world, crowd, random.Random(f"{SEED}-{number}"))
        catch_up(world, crowd)
        world.stop()
        for driver in drivers(crowd):
            check_session(world, crowd, driver)
        assert sum(world.effects().values()) >= KILLS / 5, "hardly any call ran: there was no load"
        assert world.server.end() == []
        wait_until(lambda: not processes_in(world.folder), "every process to be gone", 20)
