"""Every attack of the table, confined: it must fail; and unconfined: it must work, or the test could not fail."""
import contextlib
import select
import time

import pytest
from allowed import ALLOWED
from attack import LANDLOCK, LEVELS, can_be_tried_here
from cases import ATTACKS
from cases.refusals import ON_A_LESSER_KERNEL, REFUSALS
from machine import lacking, older_landlock
from world import USERS

PROBED = {level: lacking(level) for level in LEVELS}


def at(level, *values, name, since_abi=1):
    """A case at that level, skipped where the kernel lacks the facility; never where the machine is set up without."""
    lacks = PROBED[level] or (level == LANDLOCK and older_landlock(since_abi))
    return pytest.param(*values, id=name, marks=[pytest.mark.skip(reason=lacks)] if lacks else [])


TRIED = [(attack, user) for attack in ATTACKS if can_be_tried_here(attack)
         for user in USERS if user in attack.users and ("root" in USERS or not (attack.needs_root or attack.small_disk))]
CONFINED = [at(level, attack, level, user, name=f"{attack.name}-{level}-{user}", since_abi=attack.since_abi)
            for attack, user in TRIED for level in LEVELS if level in attack.levels]
UNCONFINED = [pytest.param(attack, user, id=f"{attack.name}-{user}") for attack, user in TRIED]
WORK = [at(level, work, level, user, name=f"{work.name}-{level}-{user}")
        for work in ALLOWED for level in LEVELS if level in work.levels for user in USERS]


def confined(lathe, level, script, proxy_to=""):
    hosts = ["--allow-host", proxy_to] if proxy_to else []
    return [lathe, "sandbox", "run", "--level", level, *hosts, "--", "bash", "-c", script]


def run(there, attack, argv):
    calling = there.caller if "@CALLED" in attack.script else contextlib.nullcontext()
    with calling:
        return there.run(argv, terminal=attack.terminal, own_resolver=attack.needs_root, small_disk=attack.small_disk,
                         settings=attack.settings)


def program_of(there, attack, lathe_program):
    return there.install(lathe_program) if attack.installed_at_home else lathe_program


@pytest.mark.parametrize("attack, user", UNCONFINED)
def test_works_unconfined(world, lathe_program, attack, user):
    there = world(user, attack.secrets)
    # As in a jail, a process of the same user waits above it.
    script = there.fill_in(attack.script, program_of(there, attack, lathe_program))
    ran = run(there, attack, ["sh", "-c", '"$@"; exit $?', "watcher", "bash", "-c", script])
    output = ran.stdout.decode(errors="replace")
    # What was sent may still be on its way to the listener.
    end = time.monotonic() + 10
    while not attack.worked(there, output) and time.monotonic() < end:
        select.select([], [], [], 0.05)
    assert attack.worked(there, output), ran


@pytest.mark.parametrize("attack, level, user", CONFINED)
def test_is_contained(world, lathe_program, attack, level, user):
    there = world(user, attack.secrets)
    program = program_of(there, attack, lathe_program)
    script = "echo STARTED\n" + there.fill_in(attack.script, program)
    ran = run(there, attack, confined(program, level, script, "allowed.test" if attack.proxy else ""))
    output = ran.stdout.decode(errors="replace")
    assert output.startswith("STARTED"), ran  # refusing to run at all contains nothing
    assert not attack.worked(there, output), ran
    assert there.victim_lives() and there.victim_state() != "T"


@pytest.mark.parametrize("work, level, user", WORK)
def test_work_goes_on(world, lathe_program, work, level, user):
    there = world(user)
    folder = there.make_folder(work.below)
    if work.before:
        assert there.run(["bash", "-c", work.before]).returncode == 0
    ran = there.run(confined(lathe_program, level, there.fill_in(work.script, lathe_program), work.proxy_to), cwd=folder)
    assert ran.stdout.decode().splitlines()[-1:] == [work.last], ran
    assert b"lathe: a command" not in ran.stderr, ran
    assert list(there.temporary.iterdir()) == []


@pytest.mark.parametrize("refusal, level, user", [
    at(level, refusal, level, user, name=f"{refusal.name}-{level}-{user}")
    for refusal in REFUSALS for level in LEVELS if level in refusal.levels for user in USERS])
def test_is_refused(world, lathe_program, refusal, level, user):
    command = confined(lathe_program, level, "echo STARTED")
    there = world(user)
    assert there.run(command).stdout == b"STARTED\n"
    there = world(user, with_secrets=refusal.secrets)
    command = confined(lathe_program, level, "echo STARTED", refusal.proxy_to)
    ran = there.run(["python3", "-c", ON_A_LESSER_KERNEL, refusal.lacks, *command] if refusal.lacks else command)
    assert ran.returncode != 0 and b"STARTED" not in ran.stdout, ran
    assert refusal.says.encode() in ran.stderr, ran
