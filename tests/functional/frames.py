"""A client of our own wire: frames over two descriptors, and the flows of tests/golden/flows played on them.

A flow is a list of what is sent (done when it is acknowledged) and of the events that come, in order. An event has at least
the fields given; "$name" stands for any value, the same wherever the name occurs. Left out of a flow are passing events and
those of UNIMPORTANT.
"""
import collections
import json
import os
import pathlib
import select
import socket

from support import PATIENCE, apply_patch, calls, says, shell

FLOWS = pathlib.Path(__file__).resolve().parents[1] / "golden/flows"
UNIMPORTANT = {"context_added", "workspace_snapshot", "rolled_back", "warning"}

PATCH = "*** Begin Patch\n*** Update File: greeting.txt\n@@\n-hello\n+goodbye\n*** End Patch\n"
# What the model answers in each flow.
ANSWERS = {
    "basic": [calls(shell("cat greeting.txt", sandbox_permissions="require_escalated", justification="it is needed")),
              calls(apply_patch(PATCH)), says("Done.")],
    "interrupt": [calls(shell("echo one")), calls(shell("exec tail -f /dev/null")), calls(shell("echo two")), says("Done.")],
}


class Frames:
    """One connection. Frames are taken from it one at a time; events that come before an answer are kept."""

    def __init__(self, read_fd, write_fd, close_writing):
        self.read_fd = read_fd
        self.write_fd = write_fd
        self.close_writing = close_writing
        self.events = collections.deque()
        self._text = b""

    @classmethod
    def of_process(cls, process):
        return cls(process.stdout.fileno(), process.stdin.fileno(), process.stdin.close)

    @classmethod
    def of_socket(cls, connection):
        frames = cls(connection.fileno(), connection.fileno(), lambda: connection.shutdown(socket.SHUT_WR))
        frames.connection = connection  # open as long as this is
        return frames

    def send_bytes(self, data):
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.write_fd, rest):]

    def send(self, id, op=None, call=None, **more):
        body = {"op": op} if op else {"call": call}
        self.send_bytes(json.dumps({"id": id, **body, **more}).encode() + b"\n")

    def ask_with(self, descriptor, id, op=None, call=None):
        """Over a unix socket: the descriptor goes with the bytes of the line."""
        body = {"op": op} if op else {"call": call}
        socket.send_fds(self.connection, [json.dumps({"id": id, **body}).encode() + b"\n"], [descriptor])
        return self.answer(id)

    def next(self):
        """The next frame; None at the end."""
        while b"\n" not in self._text:
            ready, _, _ = select.select([self.read_fd], [], [], PATIENCE)
            assert ready, "no frame came"
            more = os.read(self.read_fd, 1 << 16)
            if not more:
                assert not self._text, self._text
                return None
            self._text += more
        line, self._text = self._text.split(b"\n", 1)
        return json.loads(line)

    def answer(self, id):
        """The ack, reply or error of that request."""
        while True:
            frame = self.next()
            assert frame is not None, f"the connection ended before the answer to {id!r}"
            if "msg" in frame:
                self.events.append(frame)
            elif frame["id"] == id:
                return frame

    def ask(self, id, op=None, call=None, **more):
        self.send(id, op, call, **more)
        return self.answer(id)

    def event(self):
        """The next event of a session."""
        if self.events:
            return self.events.popleft()
        while True:
            frame = self.next()
            assert frame is not None, "the connection ended"
            if "msg" in frame:
                return frame

    def until(self, *types):
        """Events until one of these types, that one included."""
        seen = []
        while not seen or seen[-1]["msg"]["type"] not in types:
            seen.append(self.event())
        return seen

    def rest(self):
        """All frames until the end."""
        frames = list(self.events)
        self.events.clear()
        while (frame := self.next()) is not None:
            frames.append(frame)
        return frames


def connect(status):
    """A client of the daemon of that status."""
    connection = socket.socket(socket.AF_UNIX)
    folder = os.open(os.path.dirname(status["socket"]), os.O_PATH)  # the whole path may be too long
    connection.connect(f"/proc/self/fd/{folder}/{os.path.basename(status['socket'])}")
    os.close(folder)
    return Frames.of_socket(connection)


def fill(value, names):
    if isinstance(value, dict):
        return {name: fill(one, names) for name, one in value.items()}
    if isinstance(value, list):
        return [fill(one, names) for one in value]
    return names[value[1:]] if isinstance(value, str) and value.startswith("$") else value


def check(expected, found, names, where):
    for name, value in expected.items():
        assert name in found, f"{where}: no {name} in {found}"
        if isinstance(value, str) and value.startswith("$"):
            value = names.setdefault(value[1:], found[name])
        assert found[name] == value, f"{where}: {name} of {found}"


def play(frames, flow, cwd):
    """Plays a flow of tests/golden/flows."""
    names = {"cwd": str(cwd)}
    for number, line in enumerate((FLOWS / f"{flow}.ndjson").read_text().splitlines(), start=1):
        step = json.loads(line)
        where = f"{flow}.ndjson:{number}"
        if "send" in step:
            frame = fill(step["send"], names)
            frames.send_bytes(json.dumps(frame).encode() + b"\n")
            assert "ack" in (answer := frames.answer(frame["id"])), f"{where}: {answer}"
            continue
        while True:
            event = frames.event()
            if "seq" in event and event["msg"]["type"] not in UNIMPORTANT:
                break
        check(step["event"], event["msg"], names, where)
        assert event["id"] == step["id"], f"{where}: {event}"


def configure(cwd, **more):
    return {"type": "configure_session", "cwd": str(cwd), **more}


def user_input(text, **more):
    return {"type": "user_input", "items": [{"type": "text", "text": text}], **more}


def types(frames):
    return [frame["msg"]["type"] for frame in frames if "msg" in frame]
