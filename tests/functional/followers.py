"""Many clients of one daemon in one thread, which lose their connection and come back: each keeps what it was told, and
fails at the first gap or repetition."""
import json
import selectors
import time

from frames import connect
from support import PATIENCE

TASK_ENDS = ("task_complete", "error")


class Follower:
    """Watches one session. Its records are kept as the bytes that came, the record with seq N at place N - 1."""

    def __init__(self, name, session):
        self.name = name
        self.session = session
        self.records = []
        # Frames of all its connections together.
        self.frames = 0
        self.connection = None
        self._text = b""

    def connect(self, path):
        self.connection = connect({"socket": path}).connection
        self.connection.settimeout(PATIENCE)  # of what is sent; reading waits in the crowd
        self._text = b""
        self.greet()

    def greet(self):
        self.send({"id": "hello", "call": {"type": "hello", "client": "test", "client_id": self.name}})
        self.send({"id": "follow", "call": {"type": "session_subscribe", "session": self.session, "since": len(self.records)}})

    def send(self, frame):
        try:
            self.connection.sendall(json.dumps(frame).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # what came before is still to be read, and then the end

    def drop(self):
        """Without a word; a line that came in part is gone."""
        if self.connection:
            self.connection.close()
        self.connection = None

    def read(self):
        """Takes what is there. False at the end of the connection."""
        try:
            more = self.connection.recv(1 << 16)
        except ConnectionResetError:
            more = b""
        *lines, self._text = (self._text + more).split(b"\n")
        for line in lines:
            self.frames += 1
            frame = json.loads(line)
            assert "error" not in frame, f"{self.name}: {frame}"
            if "seq" in frame:
                self.take(line.decode(), frame)
            elif "ack" in frame:
                self.acknowledged(frame)
        return bool(more)

    def take(self, line, record):
        assert record["session"] == self.session
        assert record["seq"] == len(self.records) + 1, f"{self.name} has {len(self.records)} records and got {line}"
        self.records.append(line)

    def acknowledged(self, frame):
        raise AssertionError(f"{self.name} submitted nothing: {frame}")


class Driver(Follower):
    """Watches a session and gives it a new input whenever a Task has ended. When it comes back it sends its last input
    again, under the same id, as it cannot know whether that arrived."""

    def __init__(self, name, session, inputs=None):
        super().__init__(name, session)
        # How many inputs there are to give; None: no end.
        self.inputs = inputs
        # Seq of the record by the id of the op.
        self.acks = {}
        self.submitted = 1
        self.ended = 0

    @property
    def done(self):
        return self.inputs is not None and self.ended >= self.inputs

    def greet(self):
        super().greet()
        self.submit()

    def submit(self):
        if self.inputs is None or self.submitted <= self.inputs:
            items = [{"type": "text", "text": f"input {self.submitted}"}]
            self.send({"id": f"op-{self.submitted}", "session": self.session, "op": {"type": "user_input", "items": items}})

    def take(self, line, record):
        super().take(line, record)
        if record.get("id") == f"op-{self.submitted}" and record["msg"]["type"] in TASK_ENDS:
            self.ended += 1
            self.submitted += 1
            self.submit()

    def acknowledged(self, frame):
        seq = self.acks.setdefault(frame["id"], frame["ack"]["seq"])
        assert seq == frame["ack"]["seq"], f"{self.name}: {frame}, and {seq} before"


class Crowd:
    """Lets followers read side by side."""

    def __init__(self, followers, path):
        self.followers = followers
        self.path = path
        self._selector = selectors.DefaultSelector()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for follower in self.followers:
            self.drop(follower)
        self._selector.close()

    def connect(self, follower):
        follower.connect(self.path)
        self._selector.register(follower.connection, selectors.EVENT_READ, follower)

    def connect_all(self):
        for follower in self.followers:
            if not follower.connection:
                self.connect(follower)

    def drop(self, follower):
        if follower.connection:
            self._selector.unregister(follower.connection)
        follower.drop()

    def read_until(self, condition, what, after_read=lambda follower: None):
        """Reads until condition() holds; nobody's connection may end meanwhile but by after_read."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"waited for {what}: {[(one.name, len(one.records)) for one in self.followers]}"
            for key, _ in self._selector.select(1):
                assert key.data.read(), f"{key.data.name} was left"
                after_read(key.data)

    def read_to_the_end(self):
        """What is still on the way after the other side has died."""
        for follower in self.followers:
            while follower.connection and follower.read():
                pass
            self.drop(follower)

    @property
    def frames(self):
        return sum(follower.frames for follower in self.followers)
