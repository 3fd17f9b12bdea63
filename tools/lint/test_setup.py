"""tools/setup installs what is missing and nothing else, and every target of the Makefile that needs packages calls it."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

DPKG_QUERY = 'for package in "${@:4}"; do [[ " $INSTALLED " != *" $package "* ]] || printf "installed:%s " "$package"; done'
# Package lists that are out of date until they are updated.
APT_GET = """words="$*"; echo "${words##*Use-Pty=0 }" >>"$LOG"
[[ $words != *" update" ]] || touch "$LOG.updated"
[[ $words != *" install "* || -z ${STALE:-} || -f $LOG.updated ]]"""


@pytest.fixture
def setup(tmp_path):
    """setup(GROUP…, installed=[…], user=0, stale=False) -> (what it said and how it ended, calls of apt-get)"""
    programs, log = tmp_path / "programs", tmp_path / "apt-get.log"
    programs.mkdir()
    for name in ("bash", "dirname", "env", "touch"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    fakes = {"dpkg-query": DPKG_QUERY, "apt-get": APT_GET, "id": 'echo "$USER_ID"'}
    for name, script in fakes.items():
        (programs / name).write_text(f"#!/bin/bash\n{script}\n")
        (programs / name).chmod(0o755)

    def run(*groups, installed=(), user=0, stale=False):
        environment = {"PATH": str(programs), "LOG": str(log), "INSTALLED": " ".join(installed), "USER_ID": str(user),
                       "STALE": "1" if stale else ""}
        ended = subprocess.run([ROOT / "tools/setup", *groups], env=environment, capture_output=True, text=True)
        return ended, log.read_text().splitlines() if log.exists() else []
    return run


def packages_of(group):
    lines = [line.split() for line in (ROOT / "tools/packages.txt").read_text().splitlines() if line and line[0] != "#"]
    return [words[0].split(":")[0] for words in lines if group in words[1].split(",")]


def test_with_everything_there_it_is_silent_and_installs_nothing(setup):
    ended, installs = setup("build", "test", installed=packages_of("build") + packages_of("test"))
    assert (ended.returncode, ended.stdout, ended.stderr, installs) == (0, "", "", [])


def test_it_installs_what_is_missing_and_no_more(setup):
    all_but_one = [package for package in packages_of("build") if package != "libfmt-dev"]
    ended, installs = setup("build", installed=all_but_one)
    assert ended.returncode == 0 and "installing libfmt-dev\n" in ended.stderr
    assert installs == ["install --no-install-recommends -y libfmt-dev"]


def test_old_package_lists_are_updated(setup):
    ended, installs = setup("lint", installed=packages_of("lint")[:-1], stale=True)
    assert ended.returncode == 0
    assert [call.split()[0] for call in installs] == ["install", "update", "install"]


def test_who_may_not_install_is_told_the_command(setup):
    ended, installs = setup("build", installed=packages_of("build")[1:], user=1000)
    assert ended.returncode == 1 and f"apt-get install {packages_of('build')[0]}" in ended.stderr
    assert installs == []


def test_every_target_installs_what_it_needs():
    targets = re.findall(r"^([a-z]+):(.*)##.*\n((?:\t.*\n)*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    called = {name: re.findall(r"tools/setup (.*)", recipe) for name, _, recipe in targets}
    assert {name for name, needs, _ in targets if not called[name] and "build" not in needs} == {"help", "clean"}
    groups = {word for calls in called.values() for words in calls for word in re.findall(r"\b[a-z]+\b", words)} - {"if"}
    assert groups and all(packages_of(group) for group in groups)
