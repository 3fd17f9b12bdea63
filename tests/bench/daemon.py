"""The daemon's rows: how soon it is ready and gone, what sessions cost, how long a delta is under way."""
import contextlib
import json
import os
import pathlib
import re
import select
import selectors
import signal
import socket
import statistics
import subprocess
import threading
import time

import sessions
from measure import Case, CannotRun, ModelServer, interleave, pss_kb
from stamping_model import LONG_LINE, StampingModel

HELD, STREAMS, SUBSCRIBERS, DELTAS = 1_000, 200, 3, 600
LEFT, LEFT_EVENTS, LEFT_OPEN = 1_000, 1_000, 100
EVENTS, EVENT_TEXT, CROWD, CROWD_EVENTS = 50_000, "x" * 60, 100, 200
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


def one_shot(bench, program, home):
    with ModelServer(bench.model_server, 0, 1) as server, Daemon(program, home, bench.environment(server)) as daemon:
        ours = Case("one-shot through a daemon", [program, "exec", "--model", "mock", "go"], daemon.environment, bench.repository)
        theirs = bench.curl("curl", server)
        interleave([ours, theirs], 25)
        bench.row("one-shot exec through a daemon, over the model's time", ours.ms - theirs.output_median(), "ms", 12,
                  f"curl of the same stream {theirs.ms:.1f} ms")


def leave_sessions(bench, program, history, daemon):
    """What a long-lived daemon has: sessions of many events, and some that wait for a person."""
    def exec_(*words, expected):
        done = subprocess.run([program, "exec", "--embedded", "--model", "mock", *words], env=daemon.environment,
                              cwd=bench.repository, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != expected:
            raise CannotRun(f"exec ended with exit code {done.returncode}: {done.stderr}")

    state = daemon.home / "state"
    exec_("--approval-policy", "untrusted", "--ask", "wait", "go", expected=4)
    (parked,) = state.rglob("journal.ndjson")
    sessions.multiply(state, parked.parent.name, LEFT_OPEN - 1)
    grown = subprocess.run([history, "grow", state, str(LEFT_EVENTS)], capture_output=True, text=True, check=True)
    sessions.multiply(state, grown.stdout.strip(), LEFT - LEFT_OPEN - 1)
    subprocess.run([program, "index", "rebuild"], env=daemon.environment, check=True, stdout=subprocess.DEVNULL)


def restart(bench, program, history, home):
    """Of a daemon that was killed, until it has told who waits for an answer."""
    script = bench.work / "asks.json"
    script.write_text(json.dumps({"answers": [{"tool_calls": [{"name": "shell", "arguments": {"command": "rm x"}}]}]}))
    with ModelServer(bench.model_server, script=script) as server:
        daemon = Daemon(program, home, bench.environment(server))
        leave_sessions(bench, program, history, daemon)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        daemon.command("start")
        with daemon.client() as client:
            asked = client.ask(call={"type": "approval_list"})["reply"]["questions"]
        times.append((time.perf_counter() - began) * 1000)
        if len(asked) != LEFT_OPEN:
            raise CannotRun(f"{len(asked)} of {LEFT_OPEN} approvals are open")
        os.kill(json.loads(daemon.command("status", "--json"))["pid"], signal.SIGKILL)
    bench.row(f"restart with {LEFT:,} sessions of {LEFT_EVENTS:,} events, {LEFT_OPEN} of them waiting",
              statistics.median(times), "ms", 1_000)


def crowd(bench, daemon):
    """A durable event under way to each of a hundred clients."""
    with daemon, daemon.client() as talker:
        session = talker.make_session(bench.repository)
        clients = [daemon.client() for _ in range(CROWD)]
        for client in clients:
            client.follow(session)

        def talk():
            for _ in range(CROWD_EVENTS):
                talker.ask(op={"type": "context", "text": f"{time.monotonic_ns()} "})
                time.sleep(0.02)

        talking = threading.Thread(target=talk)
        talking.start()
        told = sorted(latencies(clients, CROWD_EVENTS * 0.03 + 1))
        talking.join()
        if len(told) < CROWD * CROWD_EVENTS:
            raise CannotRun(f"{len(told)} of {CROWD * CROWD_EVENTS} events came")
        bench.row(f"a durable event under way, {CROWD} clients, p99", told[len(told) * 99 // 100], "ms", 10,
                  f"median {told[len(told) // 2]:.1f} ms")


def durable(bench, daemon):
    """Durable events to a client that does nothing else, from one that sends an op for each."""
    ops = b"".join(json.dumps({"id": f"c{number}", "op": {"type": "context", "text": EVENT_TEXT}}).encode() + b"\n"
                   for number in range(EVENTS))
    with daemon, daemon.client() as talker, daemon.client() as client:
        client.follow(talker.make_session(bench.repository))
        began = time.perf_counter()
        talking = threading.Thread(target=talker.connection.sendall, args=(ops,))
        talking.start()
        counted, length, told = {talker.connection: 0, client.connection: 0}, 0, 0
        while told < EVENTS:
            ready, _, _ = select.select(list(counted), [], [], PATIENCE)
            if not ready:
                raise CannotRun(f"{told} of {EVENTS} events came")
            for connection in ready:
                data = connection.recv(1 << 20)
                if connection is client.connection:
                    told += data.count(b'"context_added"')
                    length += len(data)
        took = time.perf_counter() - began
        talking.join()
        bench.row("a durable event to a client, of many", took / EVENTS * 1e6, "µs", 20,
                  f"{EVENTS / took:,.0f} a second of {length / EVENTS:.0f} B, an op and its ack for each")


def add_rows(bench, program, history):
    # A socket's path is short.
    homes = (str(bench.work / f"d{number}") for number in range(20))
    ready(bench, Daemon(program, next(homes), bench.environment()))
    one_shot(bench, program, next(homes))
    restart(bench, program, history, next(homes))
    with StampingModel() as model:
        for part in (memory, first_token, long_line, crowd, durable, streaming):
            part(bench, Daemon(program, next(homes), bench.environment(), model))
