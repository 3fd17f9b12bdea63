"""Every durable operation of a scripted task, with every fault, and what must hold after it (README.md)."""
import collections
import dataclasses
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from checks import check_records, processes_in
from support import Lathe, ModelServer, calls, read_file, says, shell, tool, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("LATHE_BIN_DIR", ROOT / "build/dev/bin")).resolve()
# About how many points are taken; all when it is not set.
WANTED = int(os.environ.get("LATHE_CRASH_POINTS", "0"))
FEWEST = 200


def effect(name, more=""):
    return shell(f"echo {name} >> effects.txt{more}")


# Answers by count of tool results, so that a session that lost a call goes on at the right place.
SCRIPT = {
    "position": "tool_results",
    "answers": [
        {"reasoning": "First I look.", "text": ["I ", "look."], "tool_calls": [effect("zero"), effect("one")]},
        says("Not reached."),
        calls(tool("write_file", path="notes.txt", content="note\n"), text="A file."),
        calls(effect("three", "; seq 1 40000"), tool("update_plan", plan=[{"step": "end", "status": "in_progress"}])),
        says("Not reached."),
        calls(read_file("notes.txt"), effect("six")),
        says("Not reached."),
        says(*[f"word{i} " for i in range(40)]),
    ],
}
EFFECTS = ("zero", "one", "three", "six")


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    # The command lines of the whole story; {question} is the open question of the session.
    steps: tuple


PLAIN = Scenario("plain", (("exec", "--json", "do it"),))
PARKED = Scenario("parked", (
    ("exec", "--json", "--approval-policy", "untrusted", "--ask", "wait", "do it"),
    ("approvals", "answer", "{question}", "--approve", "--session", "--json"),
))


SCENARIOS = (PLAIN, PARKED)


class World:
    """One data root, one folder, one scripted server."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lathe-crash-"))
        project = self.folder / "project"
        project.mkdir()
        self.server = ModelServer(BIN / "lathe-model-server", self.folder, SCRIPT)
        self.lathe = Lathe(BIN / "lathe", self.folder / "home", project)
        home = self.folder / "home"
        home.mkdir()
        (home / "config.yaml").write_text(
            f"default-backend: mock\ndefault-model: mock\nbackends:\n  mock:\n    type: openai-chat\n"
            f"    url: {self.server.url}/v1\n    api-key-env: MOCK_KEY\n")
        self.lathe.variables["MOCK_KEY"] = "key-of-the-test"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lathe.stop_all()
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def step(self, words, fault=None):
        if "{question}" in words:
            questions = self.lathe.ok("approvals", "list", "--json").document["questions"]
            if not questions:
                return None
            words = [questions[0]["id"] if word == "{question}" else word for word in words]
        return self.lathe.run(*words, env={"LATHE_FAULT": fault})

    def sessions(self):
        return self.lathe.ok("session", "list", "--json").document["sessions"]

    def records(self, session):
        return self.lathe.ok("session", "export", session).out.splitlines()

    def effects(self):
        path = self.lathe.cwd / "effects.txt"
        return collections.Counter(path.read_text().split() if path.exists() else [])


def operation_of(line):
    """The name in a line of the fault log: `index operation bytes`."""
    return line.split()[1]


def operations_of(scenario):
    """Names of the durable operations of each step, in order."""
    with World() as world:
        named = []
        for number, words in enumerate(scenario.steps):
            log = world.folder / f"operations-{number}"
            ran = world.step(words, f"log:{log}")
            assert ran.code in (0, 4), str(ran)
            named.append([operation_of(line) for line in log.read_text().splitlines()])
        return named


def operations():
    """The operations of every scenario. Workers of one test run share what the first of them finds, so that all of
    them know the same points."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return {scenario.name: operations_of(scenario) for scenario in SCENARIOS}
    shared = pathlib.Path(tempfile.gettempdir()) / f"lathe-crash-points-{run}.json"
    with open(shared.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            found = {scenario.name: operations_of(scenario) for scenario in SCENARIOS}
            shared.write_text(json.dumps(found))
        return json.loads(shared.read_text())


def points(steps):
    for step, names in enumerate(steps):
        for number, name in enumerate(names, start=1):
            for kind in ("kill-before", "kill-after", "enospc", "eio"):
                yield step, f"{kind}@{number}", name
            if name.endswith((".append", ".write")):
                yield step, f"tear@{number}:12", name
                yield step, f"short@{number}:12", name


def all_points():
    """(scenario, step, fault, operation) of every point there is."""
    if not (BIN / "lathe").exists():
        return []
    known = operations()
    return [(scenario, *point) for scenario in SCENARIOS for point in points(known[scenario.name])]


POINTS = all_points()


def cases():
    """The same share of each kind of fault, evenly spread, so that none is left out by where it stands."""
    share = min(1, WANTED / len(POINTS)) if WANTED and POINTS else 1
    seen = collections.Counter()
    for scenario, step, fault, name in POINTS:
        kind = fault.split("@")[0]
        seen[kind] += 1
        if int(seen[kind] * share) > int((seen[kind] - 1) * share):
            yield pytest.param(scenario, step, fault, id=f"{scenario.name}-{step}-{fault}-{name}")


CASES = list(cases())


def complete_lines(text):
    """Whole JSON lines; the last one may be cut by the kill."""
    lines = []
    for line in text.split("\n"):
        try:
            lines.append((line, json.loads(line)))
        except ValueError:
            continue
    return lines


def seqs_in(text):
    """Seqs of the records that were shown."""
    return [event["seq"] for _, event in complete_lines(text) if "seq" in event]


def check_shown(shown, records):
    """All that was shown is in the records; texts whose item is not there were cut short, and the session says so."""
    exported = collections.Counter(records)
    items = {}
    for line in records:
        message = json.loads(line)["msg"]
        if "item" in message:
            items[message["item"]] = message.get("text", "")
    cut_short = any(json.loads(line)["msg"]["type"] in ("turn_aborted", "error") for line in records)
    texts = collections.defaultdict(str)
    for line, event in complete_lines(shown):
        if "seq" in event:
            assert exported[line] == 1, f"shown and not recorded once: {line}"
        elif event.get("msg", {}).get("type") in ("agent_message_delta", "agent_reasoning_delta"):
            texts[event["msg"]["item"]] += event["msg"]["text"]
    for item, text in texts.items():
        assert item in items or cut_short, f"shown text is gone without a word: {text!r}"
        if item in items:
            assert items[item].startswith(text), f"shown {text!r}, kept {items[item]!r}"


def check_undo(world, records):
    """Everything that its Tasks did to files can be taken back, wherever it died."""
    tasks = [json.loads(line)["msg"]["task"] for line in records if json.loads(line)["msg"]["type"] == "task_started"]
    undone = world.lathe.ok("undo", "--task", tasks[0], "--json").document
    assert "conflicts" not in undone
    assert list(world.lathe.cwd.iterdir()) == []


@pytest.mark.parametrize("scenario,step,fault", CASES)
def test_point(scenario, step, fault):
    with World() as world:
        shown = ""
        for number, words in enumerate(scenario.steps):
            ran = world.step(words, fault if number == step else None)
            if ran is None:
                break
            shown += ran.out
            if number == step:
                killed = fault.startswith(("kill", "tear"))
                assert ran.code in ((-signal.SIGKILL, 0, 4) if killed else (0, 2, 4, 5)), str(ran)
                break
        wait_until(lambda: not processes_in(world.folder), "every process of the run to be gone", 20)
        known = world.sessions()
        assert len(known) <= 1
        if not known:
            # It died before the session existed: nothing may have been shown, nothing may have happened.
            assert seqs_in(shown) == []
            assert not world.effects()
            return
        session = known[0]["session_id"]
        check_shown(shown, world.records(session))
        before = world.effects()

        again = world.lathe.run("exec", "--json", "--resume", session, "--approval-policy", "never", "go on")
        assert again.code == 0, str(again)
        records = world.records(session)
        check_shown(shown + "\n" + again.out, records)
        told = collections.Counter(seqs_in(shown) + seqs_in(again.out))
        assert [seq for seq, times in told.items() if times > 1] == [], "told twice"
        check_records(records, world.effects())
        for name in EFFECTS:
            assert world.effects()[name] >= before[name]
        # A disk that refused undo's own record leaves a conflict, which is shown and not overwritten.
        if fault.startswith(("kill", "tear")):
            check_undo(world, records)
        assert subprocess.run([BIN / "lathe", "index", "rebuild"], env=world.lathe.environment(), cwd=world.lathe.cwd,
                              capture_output=True).returncode == 0


@pytest.mark.skipif(not POINTS, reason="the program is not built")
def test_there_are_enough_points():
    """The promise is about every durable operation; this guards against a task that stopped having any."""
    assert len(CASES) >= FEWEST
    kinds = collections.Counter(fault.split("@")[0] for _, _, fault, _ in POINTS)
    assert set(kinds) == {"kill-before", "kill-after", "enospc", "eio", "tear", "short"}
    assert min(kinds.values()) >= 20, str(kinds)
