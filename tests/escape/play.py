"""Plays the steps of an attack on a session: unconfined, as a naive agent would; and through `lathe exec`."""
import contextlib
import json
import os
import signal
import subprocess
import time

from attack import LANDLOCK, NAMESPACES
from cases.sessions import HUNG, KILLED, Command, Job, Naive, NextSession, Person, Tool
from support import Lathe, Terminal, calls, says, shell, tool

# Longer than any attack takes, on a busy machine.
# A machine that is busy with thousands of processes needs its time.
PATIENCE = 240
CONFIG = """durability: process
default-backend: mock
default-model: mock
backends:
  mock:
    type: openai
    url: {url}/v1
    api-key-env: MOCK_API_KEY
"""


class Unconfined:
    def __init__(self, there, fill_in):
        self.there = there
        self.fill_in = fill_in
        self.jobs = []
        self.output = []

    def play(self, steps):
        try:
            for step in steps:
                self._do(step)
        finally:
            for job in self.jobs:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(job.pid, signal.SIGKILL)
                job.wait()
        return "\n".join(self.output)

    def _start(self, script, out):
        """Under a process of the same user, as everywhere; in a process group of its own."""
        argv = ["sh", "-c", '"$@"; exit $?', "watcher", "bash", "-c", self.fill_in(script)]
        return subprocess.Popen(self.there.as_user(argv), cwd=self.there.workspace, env=self.there.environment(), stdout=out,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)

    def _do(self, step):
        if isinstance(step, NextSession):
            return
        if isinstance(step, Job):
            self.jobs.append(self._start(step.script, subprocess.DEVNULL))
            return
        script = step.unconfined if isinstance(step, Tool) else step.script
        seconds = step.timeout_ms / 1000 if isinstance(step, Command) and step.timeout_ms else PATIENCE
        log = self.there.base / f"output-{len(self.output)}"
        with open(log, "wb") as out:
            process = self._start(script, out)
            end = time.monotonic() + seconds
            while process.poll() is None and time.monotonic() < end:
                os.kill(process.pid, signal.SIGCONT)  # the command may have stopped it
                time.sleep(0.02)
            # A naive time limit: what it started ends, and no more.
            process.kill()
            if process.wait() < 0 and not getattr(step, "timeout_ms", 0):
                out.write(KILLED.encode() + b"\n")
        self.jobs.append(process)
        self.output.append(log.read_text(errors="replace"))


class UsersLathe(Lathe):
    """The program in a world, as its user."""

    def __init__(self, program, there):
        super().__init__(program, there.lathe_home, there.workspace)
        self.there = there

    def environment(self, **more):
        kept = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
        own = {**kept, **self.there.environment(), "TERM": "dumb", "CI": "1", **more}
        return {name: value for name, value in own.items() if value is not None}

    def argv(self, args):
        return self.there.as_user([self.program, *args])

    def configure(self, server):
        self.there.put(self.home / "config.yaml", CONFIG.format(url=server.url))

    def pretend(self, level):
        """Lathe remembers what the machine gives; makes it remember less, so that sessions get that level."""
        key, line = host_facts(self)
        namespaces, abi, rest = line.split(" ", 2)
        if level == LANDLOCK:
            namespaces = "0"
        if level == NAMESPACES:
            abi = "0"
        path = self.home / "cache/host-facts"
        self.there.put(path, f"{key}\n{namespaces} {abi} {rest}", 0o600)
        for each in (path.parent, path):
            os.chown(each, self.there.uid, -1)


def host_facts(lathe, known={}):
    """What Lathe finds out about the machine when it first runs as this user: (key, facts)."""
    if lathe.there.uid not in known:
        process = lathe.start("exec", "nothing")
        process.communicate(timeout=PATIENCE)
        known[lathe.there.uid] = (lathe.home / "cache/host-facts").read_text().split("\n")[:2]
    return known[lathe.there.uid]


def sessions_of(steps):
    """The steps in groups: one list for each session, and a Person alone."""
    groups = [[]]
    for step in steps:
        if isinstance(step, Person):
            groups += [step, []]
        elif isinstance(step, NextSession):
            groups.append([])
        elif not isinstance(step, Naive):
            groups[-1].append(step)
    return [group for group in groups if group]


class Confined:
    def __init__(self, lathe, server, fill_in):
        self.lathe = lathe
        self.server = server
        self.fill_in = fill_in
        self.output = []
        # The level of each command that ran.
        self.levels = []

    def play(self, attack):
        for group in sessions_of(attack.steps):
            if isinstance(group, Person):
                ran = self.lathe.there.run(["bash", "-c", self.fill_in(group.script)])
                self.output.append((ran.stdout + ran.stderr).decode(errors="replace"))
            else:
                self._session(group, attack.says)
        if attack.on_a_terminal:
            return self.show(attack)
        self.output.append(json.dumps([request["body"] for request in self.server.requests()]))
        return "\n".join(self.output)

    def _call(self, step):
        if isinstance(step, Tool):
            return tool(step.name, **{name: self.fill_in(value) for name, value in step.arguments.items()})
        if isinstance(step, Job):
            return shell(self.fill_in(step.script), background=True, yield_time_ms=250)
        return shell(self.fill_in(step.script), **({"timeout_ms": step.timeout_ms} if step.timeout_ms else {}))

    def _session(self, steps, last_words):
        self._script(steps, last_words)
        process = self.lathe.start("exec", "--json", "help me")
        try:
            ran = self.lathe.finish(process, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.output.append(HUNG)
            return
        assert "Sanitizer" not in ran.err, str(ran)
        if ran.code < 0:
            self.output += [KILLED, ran.err]  # by what it says it can be told from an attack that worked
            return
        for message in ran.of_type("exec_command_begin"):
            self.levels.append(message["sandbox"])
        for message in ran.of_type("exec_command_end", "tool_call_end", "patch_apply_end"):
            self.output.append(message["outcome"].get("output", ""))
        self.output.append(ran.err)

    def _script(self, steps, last_words):
        for step in steps:
            self.server.add(calls(self._call(step)))
        self.server.add(says(last_words))

    def show(self, attack):
        """The same once more on a terminal; gives what came to it."""
        self._script(attack.steps, attack.says)
        terminal = Terminal(self.lathe, "exec", "--last", "help me again")
        terminal.wait(PATIENCE)
        return terminal.screen
