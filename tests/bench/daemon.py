"""The daemon's rows: how soon it is ready and gone, what sessions cost, how long a delta is under way."""
import contextlib
import json
import pathlib
import re
import selectors
import signal
import socket
import statistics
import subprocess
import time

from measure import CannotRun, pss_kb
from stamping_model import LONG_LINE, StampingModel

HELD, STREAMS, SUBSCRIBERS, DELTAS = 1_000, 200, 3, 600
# Of the deltas those in the middle are looked at: all streams have begun then and none has ended.
WARM_UP, MEASURED = 3.0, 4.0
PATIENCE = 60
STAMP = re.compile(rb"(\d{10,}) ")


class Client:
    """A client of the socket: frames, one at a time."""

    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(str(path))
        self.connection.settimeout(PATIENCE)
        self._lines = self.connection.makefile("rb")
        self._asked = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._lines.close()
        self.connection.close()

    def ask(self, **frame):
        self._asked += 1
        frame["id"] = str(self._asked)
        self.connection.sendall(json.dumps(frame).encode() + b"\n")
        while line := self._lines.readline():
            # What is no answer is only passed by: a program that reads JSON of everything would measure itself.
            if b'"msg":' in line:
                continue
            answer = json.loads(line)
            if "error" in answer:
                raise CannotRun(f"{frame}: {answer['error']}")
            return answer
        raise CannotRun("the daemon has hung up")

    def make_session(self, cwd):
        return self.ask(op={"type": "configure_session", "cwd": str(cwd)})["ack"]["session"]

    def follow(self, session):
        self.ask(call={"type": "session_subscribe", "session": session, "since": -1})

    def say(self, session, text):
        self.ask(session=session, op={"type": "user_input", "items": [{"type": "text", "text": text}]})

    def event(self, kind):
        """The next line that holds the word, as bytes."""
        while kind not in (line := self._lines.readline()):
            if not line:
                raise CannotRun("the daemon has hung up")
        return line


class Daemon:
    def __init__(self, program, home, environment, model=None):
        self.program, self.home, self.environment = program, pathlib.Path(home), dict(environment, LATHE_HOME=str(home))
        self.home.mkdir(exist_ok=True)
        if model:
            (self.home / "config.yaml").write_text(f"default-backend: mock\ndefault-model: mock\nbackends:\n  mock:\n"
                                                   f"    type: openai-chat\n    url: {model.url}/v1\n    api-key-env: MOCK_KEY\n")
            self.environment["MOCK_KEY"] = "x"

    def command(self, *words):
        done = subprocess.run([self.program, "daemon", *words], env=self.environment, cwd="/", capture_output=True, text=True)
        if done.returncode != 0:
            raise CannotRun(f"daemon {' '.join(words)}: {done.stderr}")
        return done.stdout

    def __enter__(self):
        # In the foreground it has this environment, keys included.
        self.process = subprocess.Popen([self.program, "daemon", "start", "--foreground"], env=self.environment, cwd="/",
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                self.client().connection.close()
                return self
            except OSError:
                time.sleep(0.001)
        raise CannotRun("the daemon takes no client")

    def __exit__(self, *_):
        self.end()

    def client(self):
        return Client(self.home / "run/daemon.sock")

    def end(self):
        """Seconds from SIGTERM to its end."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait() != 0:
            raise CannotRun(f"the daemon ended with exit code {self.process.returncode}")
        return time.perf_counter() - began


def ready(bench, daemon):
    """From the command to a daemon that takes clients."""
    times = []
    for _ in range(9):
        began = time.perf_counter()
        daemon.command("start")
        times.append((time.perf_counter() - began) * 1000)
        daemon.command("stop")
    bench.row("daemon start, until it takes clients", statistics.median(times), "ms", 50)


def make_sessions(daemon, holder, count, cwd):
    """Sessions that stay open because the holder follows them."""
    made = []
    for _ in range(count):
        with daemon.client() as maker:  # a connection has one session of its own
            made.append(maker.make_session(cwd))
            holder.follow(made[-1])
    return made


def memory(bench, daemon):
    with daemon, daemon.client() as holder:
        idle = pss_kb(daemon.process.pid)
        bench.row("idle daemon", idle * 1024 / 1e6, "MB", 20)
        make_sessions(daemon, holder, HELD, bench.repository)
        each = (pss_kb(daemon.process.pid) - idle) * 1024 / 1e3 / HELD
        bench.row(f"each of {HELD:,} sessions held", each, "kB", 100)


def latencies(clients, seconds):
    """Milliseconds from the model to a client of every delta that comes meanwhile."""
    selector = selectors.DefaultSelector()
    rests = {}
    for client in clients:
        selector.register(client.connection, selectors.EVENT_READ)
        rests[client.connection] = b""
    found = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in selector.select(0.1):
            data = rests[key.fileobj] + key.fileobj.recv(1 << 18)
            now = time.monotonic_ns()
            text, _, rests[key.fileobj] = data.rpartition(b"\n")
            found += [(now - int(each)) / 1e6 for each in STAMP.findall(text)]
    selector.close()
    return found


def streaming(bench, daemon):
    with daemon:
        followers = [daemon.client() for _ in range(SUBSCRIBERS)]
        sessions = make_sessions(daemon, followers[0], STREAMS, bench.repository)
        for follower in followers[1:]:
            for session in sessions:
                follower.follow(session)
        for session in sessions:
            with daemon.client() as driver:  # who submits would follow the session, too
                driver.say(session, f"deltas: {DELTAS}")
        latencies(followers, WARM_UP)
        told = latencies(followers, MEASURED)
        if not told:
            raise CannotRun("no delta came")
        told.sort()
        bench.row(f"a delta under way, {STREAMS} streams with {SUBSCRIBERS} clients each, p99", told[len(told) * 99 // 100], "ms", 30,
                  f"median {told[len(told) // 2]:.1f} ms; {len(told) / MEASURED:,.0f} of {STREAMS * SUBSCRIBERS * 50:,} deltas a second")
        bench.row("SIGTERM, to the end, while they stream", daemon.end() * 1000, "ms", 3_000)


def first_token(bench, daemon):
    """What lies between the model and a client, of the first words of a Task."""
    times = []
    with daemon, daemon.client() as client:
        session = client.make_session(bench.repository)
        for _ in range(15):
            client.say(session, "deltas: 1")
            line = client.event(b'"agent_message_delta"')
            times.append((time.monotonic_ns() - int(STAMP.search(line).group(1))) / 1e6)
            client.event(b'"task_complete"')
        bench.row("a Task's first delta under way", statistics.median(times), "ms", 1)


def long_line(bench, daemon):
    """How long others wait for an answer while a line of 10 MB comes from the model and goes out to a client."""
    waits = []
    with daemon, daemon.client() as talker, daemon.client() as other:
        session = talker.make_session(bench.repository)
        talker.say(session, LONG_LINE.decode())
        talker.connection.setblocking(False)
        end = time.monotonic() + PATIENCE
        while other.ask(call={"type": "session_get", "session": session})["reply"]["session"]["state"] != "idle":
            if time.monotonic() > end:
                raise CannotRun("the Task with the long line does not end")
            began = time.perf_counter()
            other.ask(call={"type": "daemon_status"})
            waits.append((time.perf_counter() - began) * 1000)
            with contextlib.suppress(BlockingIOError):
                talker.connection.recv(1 << 22)
    bench.row("longest wait of others during a line of 10 MB", max(waits), "ms", 50, f"median of {len(waits)}: {statistics.median(waits):.2f} ms")


def add_rows(bench, program):
    # A socket's path is short.
    homes = (str(bench.work / f"d{number}") for number in range(9))
    ready(bench, Daemon(program, next(homes), bench.environment()))
    with StampingModel() as model:
        for part in (memory, first_token, long_line, streaming):
            part(bench, Daemon(program, next(homes), bench.environment(), model))
