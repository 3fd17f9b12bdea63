"""Every attack of the table, confined: it must fail; and unconfined: it must work, or the test could not fail."""
import collections
import os
import select
import time

import pytest
from allowed import ALLOWED
from attacks import ATTACKS, FULL, KINDS, LANDLOCK, LINES, NAMESPACES
from world import ORDINARY_UID, World

LEVELS = (FULL, NAMESPACES, LANDLOCK) if os.environ.get("LATHE_ESCAPE") == "long" else (FULL, LANDLOCK)
USERS = {"root": 0, "ordinary": ORDINARY_UID} if os.getuid() == 0 else {"ordinary": os.getuid()}

CONFINED = [pytest.param(attack, level, user, id=f"{attack.name}-{level}-{user}")
            for attack in ATTACKS for level in LEVELS if level in attack.levels for user in USERS if user in attack.users]
UNCONFINED = [pytest.param(attack, user, id=f"{attack.name}-{user}")
              for attack in ATTACKS for user in USERS if user in attack.users]
WORK = [pytest.param(script, last, level, user, id=f"{name}-{level}-{user}")
        for name, script, last in ALLOWED for level in LEVELS for user in USERS]


@pytest.fixture
def world(request):
    made = []

    def make(user, with_secrets=False):
        made.append(World(USERS[user], with_secrets))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def confined(lathe, level, attack_or_script, proxy=False):
    hosts = ["--allow-host", "allowed.test"] if proxy else []
    return [lathe, "sandbox", "run", "--level", level, *hosts, "--", "bash", "-c", attack_or_script]


def test_every_class_has_its_cases():
    count = collections.Counter(kind for attack in ATTACKS for kind in attack.kinds)
    assert {kind: count[kind] for kind in (*KINDS, *LINES) if count[kind] < 2} == {}
    assert len(ATTACKS) >= 40
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack, user", UNCONFINED)
def test_works_unconfined(world, lathe_program, attack, user):
    there = world(user, attack.secrets)
    ran = there.run(["bash", "-c", there.fill_in(attack.script, lathe_program)])
    output = ran.stdout.decode(errors="replace")
    # What was sent may still be on its way to the listener.
    end = time.monotonic() + 10
    while not attack.worked(there, output) and time.monotonic() < end:
        select.select([], [], [], 0.05)
    assert attack.worked(there, output), ran


@pytest.mark.parametrize("attack, level, user", CONFINED)
def test_is_contained(world, lathe_program, attack, level, user):
    there = world(user, attack.secrets)
    script = "echo STARTED\n" + there.fill_in(attack.script, lathe_program)
    ran = there.run(confined(lathe_program, level, script, attack.proxy))
    output = ran.stdout.decode(errors="replace")
    assert output.startswith("STARTED\n"), ran  # refusing to run at all contains nothing
    assert not attack.worked(there, output), ran
    assert there.victim_lives()


@pytest.mark.parametrize("script, last, level, user", WORK)
def test_work_goes_on(world, lathe_program, script, last, level, user):
    there = world(user)
    ran = there.run(confined(lathe_program, level, script))
    assert ran.stdout.decode().splitlines()[-1:] == [last], ran


@pytest.mark.parametrize("user", USERS)
def test_commands_beside_readable_secrets_are_refused(world, lathe_program, user):
    """Level landlock cannot hide what lies in the workspace, so nothing runs there."""
    there = world(user, with_secrets=True)
    ran = there.run(confined(lathe_program, LANDLOCK, "echo STARTED"))
    assert ran.returncode != 0 and b"STARTED" not in ran.stdout, ran
    assert b".env" in ran.stderr or b"secret" in ran.stderr, ran
