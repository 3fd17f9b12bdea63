"""Every attack of several steps: through a session at each level it must fail, played unconfined it must work."""
import select
import time

import pytest
from attack import LEVELS
from cases.sessions import SESSION_ATTACKS, Command, Job
from conftest import BIN
from play import Confined, Unconfined, UsersLathe
from support import ModelServer
from test_escape import at
from world import USERS

TRIED = [(attack, user) for attack in SESSION_ATTACKS for user in USERS if user in attack.users]


@pytest.mark.parametrize("attack, user", [pytest.param(*tried, id=f"{tried[0].name}-{tried[1]}") for tried in TRIED])
def test_works_unconfined(world, lathe_program, attack, user):
    there = world(user, attack.secrets)
    output = Unconfined(there, lambda script: there.fill_in(script, lathe_program)).play(attack.steps)
    end = time.monotonic() + 10
    # Seen once is enough: a job that writes a file again and again leaves it empty now and then.
    while not (worked := attack.worked(there, output)) and time.monotonic() < end:
        select.select([], [], [], 0.05)
    assert worked, output


@pytest.mark.parametrize("attack, level, user", [
    at(level, attack, level, user, name=f"{attack.name}-{level}-{user}")
    for attack, user in TRIED for level in LEVELS if level in attack.levels])
def test_is_contained(world, tmp_path, lathe_program, attack, level, user):
    there = world(user, attack.secrets)
    lathe = UsersLathe(lathe_program, there)
    lathe.pretend(level)
    server = ModelServer(BIN / "lathe-model-server", tmp_path, {"answers": []})
    try:
        lathe.configure(server)
        session = Confined(lathe, server, lambda script: there.fill_in(script, lathe_program))
        output = session.play(attack)
    finally:
        lathe.stop_all()
        server.end()
    commands = [step for step in attack.steps if isinstance(step, (Command, Job))]
    assert session.levels == [level] * len(commands), output
    assert not attack.worked(there, output), output
    assert there.victim_lives() and there.victim_state() != "T"
