"""Handles on the real programs, and the vocabulary of scripts."""
import concurrent.futures
import contextlib
import ctypes
import dataclasses
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time
import traceback
import urllib.request

# How `lathe backend add --type` names the four wires, and how events and requests do.
WIRES = {"openai": "openai_responses", "openai-chat": "openai_chat", "anthropic": "anthropic", "ollama": "ollama"}

# Long enough for a sanitizer build on a busy machine; no test is meant to take it.
PATIENCE = 60
# Whether tests whose length is a matter of choice take the long one (README.md).
LONG_FORMS = os.environ.get("LATHE_LONG_FORMS") == "1"


def wait_until(condition, what, seconds=PATIENCE):
    """Polls for something that only another process can make true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        select.select([], [], [], 0.02)
    raise AssertionError(f"waited {seconds} s for {what}")


def at_once(work, *cases):
    """Calls work(*case) for all of them at once, each in a thread: for what waits much and computes little."""
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        ended = [(case, pool.submit(work, *case)) for case in cases]
    failed = [f"{case}: {one.exception()!r}" for case, one in ended if one.exception()]
    assert not failed, "\n".join(failed)


def start_first(items, names):
    """Moves the tests whose names hold one of these, the longest first, to where the workers begin, so that none is left
    alone with one at the end. xdist gives each worker a run of neighbours first, a quarter of its even share."""
    ranks = [min((rank for rank, name in enumerate(names) if name in item.name), default=None) for item in items]
    long = [item for _, item in sorted(((rank, item) for rank, item in zip(ranks, items) if rank is not None), key=lambda pair: pair[0])]
    others = [item for rank, item in zip(ranks, items) if rank is None]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    run = max(len(items) // workers // 4, 2)
    items.clear()
    for worker in range(workers):
        own = long[worker::workers]
        fill_up = max(run - len(own), 0)
        items += own + others[:fill_up]
        del others[:fill_up]
    items += others


# --- the words of a script (testing/model_server/README.md)

def in_a_session(home, name, words):
    """Whether the file `name` of a session holds these words now; other files of the data root come and go meanwhile."""
    for path in home.glob(f"state/sessions/*/{name}"):
        with contextlib.suppress(FileNotFoundError):
            if words in path.read_text():
                return True
    return False


def says(*text, **more):
    return {"text": list(text), **more}


def calls(*tool_calls, **more):
    return {"tool_calls": list(tool_calls), **more}


def tool(name, /, **arguments):
    return {"name": name, "arguments": arguments}


def shell(command, **arguments):
    return tool("shell", command=command, **arguments)


def read_file(path):
    return tool("read_file", path=path)


def apply_patch(text):
    return tool("apply_patch", input=text)


def gate(name):
    return {"gate": name}


class ModelServer:
    """`lathe-model-server` with a script (testing/model_server/README.md)."""

    def __init__(self, program, folder, script, port=0):
        path = pathlib.Path(folder) / f"script-{time.monotonic_ns()}.json"
        path.write_text(json.dumps(script))
        # It ends with whoever started it, however that ended.
        self.process = subprocess.Popen([program, "--script", path, "--port", str(port), "--until-stdin-closes"],
                                        stdout=subprocess.PIPE, stdin=subprocess.PIPE)
        line = self.process.stdout.readline()
        assert line, "the model server did not start"
        self.url = f"http://127.0.0.1:{json.loads(line)['port']}"

    def control(self, path, method="GET", body=None):
        request = urllib.request.Request(f"{self.url}/_control/{path}", method=method,
                                         data=json.dumps(body).encode() if body is not None else None)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def requests(self):
        return self.control("requests")

    def add(self, answer):
        self.control("answers", "POST", answer)

    def release(self, name):
        self.control(f"release/{name}", "POST", {})

    def wait_at_gate(self, name):
        wait_until(lambda: name in self.control("gates"), f"an answer at gate {name}")

    def wait_for_requests(self, count):
        wait_until(lambda: len(self.requests()) >= count, f"{count} requests")

    def stop(self):
        """Stops it; fails when a request broke the rules of its wire."""
        assert self.end() == []

    def end(self):
        """Stops it. Returns how requests broke the rules of their wire."""
        if self.process.poll() is not None:
            return []
        try:
            return self.control("violations")
        finally:
            self.process.terminate()
            self.process.wait(timeout=PATIENCE)


def _enter_own_network():
    libc = ctypes.CDLL(None, use_errno=True)
    new_user, new_network = 0x10000000, 0x40000000
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(new_network) != 0:  # without rights of its own
        assert libc.unshare(new_user | new_network) == 0, os.strerror(ctypes.get_errno())
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    set_flags, up = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sH22x", b"lo", up))


def in_own_network(work):
    """Runs work() in a process with a network of its own: a loopback on which every port is free, and nothing else.
    Raises what it raised."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        told = "fine"
        try:
            _enter_own_network()
            work()
        except BaseException:
            told = traceback.format_exc()[-60000:]  # a pipe holds it
        finally:
            os.write(writer, told.encode())
            os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    assert told == "fine", told


@dataclasses.dataclass
class Ran:
    """What one run of the program gave."""
    args: list
    code: int
    out: str
    err: str

    def __str__(self):
        return f"lathe {' '.join(self.args)} -> {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    @property
    def frames(self):
        """stdout of --json: one JSON object per line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def messages(self):
        """The `msg` of every event."""
        return [frame["msg"] for frame in self.frames if "msg" in frame]

    def of_type(self, *types):
        return [message for message in self.messages if message["type"] in types]

    @property
    def session(self):
        return next(frame["session"] for frame in self.frames if "session" in frame)

    @property
    def document(self):
        """stdout as one JSON document."""
        return json.loads(self.out)


class Lathe:
    """The program with its own data root and working folder, and nothing else of the environment."""

    def __init__(self, program, home, cwd):
        self.program = str(program)
        self.home = pathlib.Path(home)
        self.cwd = pathlib.Path(cwd)
        self.variables = {}
        self._started = []
        self._uses_server = False

    def environment(self, **more):
        base = {"PATH": os.environ["PATH"], "HOME": str(self.home.parent), "LATHE_HOME": str(self.home), "LANG": "C.UTF-8",
                "TERM": "dumb", "GIT_CONFIG_NOSYSTEM": "1", "CI": "1", "LATHE_DAEMON_AUTO_START": "never"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                base[name] = os.environ[name]
        return {name: value for name, value in {**base, **self.variables, **more}.items() if value is not None}

    def use(self, server, wire="openai"):
        """Makes the server the default backend, spoken to over that wire, in the place of one used before."""
        url = server.url if wire in ("anthropic", "ollama") else f"{server.url}/v1"
        words = ["backend", "add", "mock", "--type", wire, "--url", url]
        if wire != "ollama":
            self.variables["MOCK_KEY"] = "key-of-the-test"
            words += ["--api-key-env", "MOCK_KEY"]
        if self._uses_server:
            self.ok("backend", "remove", "mock")
        elif not (self.home / "config.yaml").exists():
            # What the commands below would write; they would take a third of most tests' time.
            self.home.mkdir(parents=True, exist_ok=True)
            key = "" if wire == "ollama" else "    api-key-env: MOCK_KEY\n"
            (self.home / "config.yaml").write_text("default-backend: mock\ndefault-model: mock\nbackends:\n  mock:\n"
                                                   f"    type: {wire}\n    url: {url}\n{key}")
            self._uses_server = True
            return
        self._uses_server = True
        self.ok(*words)
        self.ok("config", "set", "default-backend", "mock")
        self.ok("config", "set", "default-model", "mock")

    def argv(self, args):
        return [self.program, *args]

    def start(self, *args, stdin=subprocess.DEVNULL, cwd=None, env=None):
        """Starts it in a process group of its own, with pipes for stdout and stderr."""
        process = subprocess.Popen(self.argv(args), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   cwd=cwd or self.cwd, env=self.environment(**(env or {})), start_new_session=True)
        self._started.append(process)
        return process

    def finish(self, process, input=None, timeout=PATIENCE):
        out, err = process.communicate(input=input, timeout=timeout)
        return Ran(process.args[1:], process.returncode, out.decode(), err.decode(errors="replace"))

    def run(self, *args, input=None, timeout=PATIENCE, cwd=None, env=None):
        """Runs it to its end. `input`: bytes or text on stdin; without it stdin is /dev/null."""
        if isinstance(input, str):
            input = input.encode()
        process = self.start(*args, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE, cwd=cwd, env=env)
        ran = self.finish(process, input, timeout)
        assert "Sanitizer" not in ran.err, str(ran)
        return ran

    def ok(self, *args, **how):
        ran = self.run(*args, **how)
        assert ran.code == 0, str(ran)
        return ran

    def fails(self, code, *args, **how):
        ran = self.run(*args, **how)
        assert ran.code == code, str(ran)
        return ran

    def stop_all(self):
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


class Terminal:
    """The program on a terminal of its own, as a person would have it."""

    def __init__(self, lathe, *args, columns=100, rows=30, **env):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

        def own_the_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            lathe.argv(args), stdin=slave, stdout=slave, stderr=slave, cwd=lathe.cwd, preexec_fn=own_the_terminal,
            env=lathe.environment(**{"TERM": "xterm-256color", "CI": None, **env}))
        lathe._started.append(self.process)
        os.close(slave)
        self.screen = ""

    def _read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            data = b""
        self.screen += data.decode(errors="replace")
        return bool(data)

    @property
    def text(self):
        """The screen's bytes without escape sequences."""
        return re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)", "", self.screen)

    def expect(self, text, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while text not in self.text:
            if time.monotonic() > end or (not self._read(0.2) and self.process.poll() is not None):
                raise AssertionError(f"expected {text!r} on the terminal:\n{self.text}")

    def expect_one_of(self, *texts, after=0, seconds=PATIENCE):
        """Until one of the texts stands behind that place of the screen's text."""
        end = time.monotonic() + seconds
        while not any(text in self.text[after:] for text in texts):
            if time.monotonic() > end or (not self._read(0.2) and self.process.poll() is not None):
                raise AssertionError(f"expected one of {texts!r} on the terminal:\n{self.text}")

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.1)
        while self._read(0.05):
            pass
        assert self.process.poll() is not None, f"still running:\n{self.text}"
        return self.process.returncode
