"""`lathe-grpc`: the same frames over gRPC, for clients with a token, through the daemon."""
import json
import os
import queue
import signal
import subprocess

import grpc
import pytest

from frames import ANSWERS, Frames, configure, play, types, user_input
from support import LONG_FORMS, PATIENCE, calls, says, shell, wait_until
from test_daemon_tcp import token_of

MAX_FRAME_BYTES = 32 << 20
MAX_MESSAGE_BYTES = 64 << 20
LIST = {"type": "session_list"}


def encode(text):
    """The message Frame { string json = 1; }."""
    head, size = bytearray(b"\x0a"), len(text)
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes(head) + bytes([size]) + text


def decode(message):
    place, size, shift = 1, 0, 0
    while message[place] > 127:
        size |= (message[place] & 127) << shift
        place, shift = place + 1, shift + 7
    size |= message[place] << shift
    assert message[:1] == b"\x0a" and len(message) == place + 1 + size
    return message[place + 1:]


class GrpcFrames(Frames):
    """One call: a frame is a message."""

    def __init__(self, address, authorization=None):
        self.messages = queue.SimpleQueue()
        super().__init__(None, None, lambda: self.messages.put(None))
        self.channel = grpc.insecure_channel(address, options=[
            ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0)])
        shown = [("authorization", authorization)] if authorization else []
        # The time of all of it, not of one frame.
        self.call = self.channel.stream_stream("/lathe.v1.Connect/Frames", None, decode)(
            iter(self.messages.get, None), metadata=shown, timeout=4 * PATIENCE)

    def send_bytes(self, data):
        self.messages.put(encode(data.removesuffix(b"\n")))

    def next(self):
        try:
            return json.loads(next(self.call))
        except StopIteration:
            return None

    def close(self):
        self.close_writing()
        self.channel.close()


class Gateway:
    """A `lathe-grpc`, and its clients."""

    def __init__(self, lathe, **how):
        self.process = start(lathe, **how)
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read().decode()
        self.address = json.loads(line)["listen"]
        self.clients = []

    def connect(self, token=None, authorization=None):
        self.clients.append(GrpcFrames(self.address, f"Bearer {token}" if token else authorization))
        return self.clients[-1]

    def end(self):
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE)
        said = self.process.stderr.read().decode(errors="replace")
        assert code == 0 and "Sanitizer" not in said, said


def start(lathe, *words, **how):
    return subprocess.Popen([f"{lathe.program}-grpc", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, cwd=lathe.cwd, env=lathe.environment(), **how)


def run(lathe, *words):
    process = start(lathe, *words)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def gateway(lathe, daemon):
    """gateway() -> a Gateway to a daemon that is configured as it is by then."""
    started = []

    def begin(**how):
        daemon()
        started.append(Gateway(lathe, **how))
        return started[-1]

    yield begin
    for one in started:
        one.end()


def status_of(frames):
    """With which status the call ends that does not end well."""
    with pytest.raises(grpc.RpcError) as ended:
        frames.rest()
    return ended.value.code().name, ended.value.details()


@pytest.mark.parametrize("shown", ["metadata", "hello"])
@pytest.mark.parametrize("flow", ANSWERS)
def test_a_flow_of_the_protocol(lathe, start_server, repository, gateway, flow, shown):
    lathe.use(start_server(*ANSWERS[flow]))
    token = token_of(lathe)
    frames = gateway().connect(token if shown == "metadata" else None)
    if shown == "hello":
        assert frames.ask("a", call=LIST)["error"]["code"] == "permission_denied"
        assert "reply" in frames.ask("b", call={"type": "hello", "client": "test", "token": token})
    play(frames, flow, repository)
    frames.close_writing()
    assert frames.rest() == []


def test_a_client_comes_in_with_a_token_and_asks_what_it_is_for(lathe, gateway):
    server = gateway()
    for shown in ("Bearer lathe_wrong", f"Bearer {token_of(lathe).upper()}", "Bearer ", f"Basic {token_of(lathe)}"):
        assert status_of(server.connect(authorization=shown))[0] == "UNAUTHENTICATED", shown
    stranger = server.connect()
    assert stranger.ask("1", call={"type": "hello", "client": "t", "token": "lathe_wrong"})["error"]["code"] == "permission_denied"
    reader = server.connect(token_of(lathe, "read"))
    assert "reply" in reader.ask("1", call=LIST)
    for refused in ({"op": configure("/")}, {"call": {"type": "hello", "client": "t", "environment": ["A=b"]}},
                    {"call": {"type": "hello", "client": "t", "relayed": True}}):
        assert reader.ask("2", **refused)["error"]["code"] == "permission_denied", refused
    # What clients of the socket had lent, keys among it, goes to nobody else.
    admin = server.connect(token_of(lathe))
    assert admin.ask("1", call={"type": "daemon_hand_over"})["error"]["code"] == "permission_denied"


def test_a_frame_that_is_too_long_costs_itself_and_a_longer_message_its_call(lathe, gateway):
    server = gateway()
    frames, other = (server.connect(token_of(lathe)) for _ in range(2))
    frames.send_bytes(b"x" * (MAX_FRAME_BYTES + 1))
    error = frames.answer("")["error"]
    assert error["code"] == "limit_exceeded" and str(MAX_FRAME_BYTES) in error["message"]
    assert "reply" in frames.ask("1", call=LIST)
    assert "reply" in other.ask("1", call=LIST)
    frames.send_bytes(b"x" * MAX_MESSAGE_BYTES)
    code, details = status_of(frames)
    assert code == "RESOURCE_EXHAUSTED" and str(MAX_MESSAGE_BYTES) in details
    assert "reply" in other.ask("2", call=LIST)


def test_a_message_is_a_frame_however_it_is_laid_out_or_an_error(lathe, gateway):
    server = gateway()
    frames = server.connect(token_of(lathe))
    frames.send_bytes(json.dumps({"id": "1", "call": LIST}, indent=2).encode())
    assert "reply" in frames.answer("1")
    for text in (b"not JSON", b'{"id":', b"7"):
        frames.send_bytes(text)
        assert frames.answer("")["error"]["code"] == "invalid", text
    for message in (b"\xff", b"\x0a\x02\xff\xfe"):
        stray = server.connect(token_of(lathe))
        stray.messages.put(message)
        assert status_of(stray)[0] == "INVALID_ARGUMENT", message
    assert "reply" in frames.ask("2", call=LIST)


def test_half_closed_from_the_start_it_answers_and_does_the_task(lathe, start_server, repository, gateway):
    lathe.use(start_server(calls(shell("echo ran")), says("Finished.")))
    frames = gateway().connect(token_of(lathe))
    frames.send("1", op=configure(repository))
    frames.send("2", op=user_input("go"))
    frames.send("3", call=LIST)
    frames.close_writing()
    told = frames.rest()
    assert sorted(frame["id"] for frame in told if "msg" not in frame) == ["1", "2", "3"]
    durable = [frame["seq"] for frame in told if "seq" in frame]
    assert durable == list(range(1, len(durable) + 1))
    assert types(told)[-1] == "task_complete"


def test_who_never_reads_costs_the_others_nothing(lathe, start_server, repository, gateway):
    lathe.use(start_server(says({"text": "word " * 20, "times": 20_000 if LONG_FORMS else 4_000})))
    server = gateway()
    token = token_of(lathe)
    frames, deaf = (server.connect(token) for _ in range(2))
    session = frames.ask("1", op=configure(repository))["ack"]["session"]
    assert "reply" in deaf.ask("1", call={"type": "session_subscribe", "session": session, "since": 0})
    frames.ask("2", op=user_input("talk"))
    assert "task_complete" in types(frames.until("task_complete"))
    # Nor does it keep the program from its end.
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=PATIENCE) == 0


def test_its_end_is_told_and_the_task_goes_on(lathe, start_server, repository, gateway):
    model = start_server(says("Half a sen", {"gate": "go"}, "tence."))
    lathe.use(model)
    server = gateway()
    frames = server.connect(token_of(lathe))
    session = frames.ask("1", op=configure(repository))["ack"]["session"]
    frames.ask("2", op=user_input("talk"))
    model.wait_at_gate("go")
    server.process.send_signal(signal.SIGTERM)
    assert status_of(frames)[0] == "UNAVAILABLE"
    assert server.process.wait(timeout=PATIENCE) == 0
    model.release("go")
    wait_until(lambda: "Half a sentence." in lathe.ok("session", "export", session).out, "the end of the Task")


@pytest.mark.skipif(os.getuid() != 0, reason="only root may have other groups")
def test_the_groups_of_the_program_between_are_not_its_clients(lathe, start_server, repository, gateway):
    lathe.use(start_server(calls(shell("id -G")), says("Done.")))
    frames = gateway(extra_groups=[4242, 4343]).connect(token_of(lathe))
    frames.ask("1", op=configure(repository, sandbox_mode="full-access"))
    frames.ask("2", op=user_input("go"))
    (end,) = [event["msg"] for event in frames.until("task_complete") if event["msg"]["type"] == "exec_command_end"]
    groups = end["outcome"]["output"].split()
    assert str(os.getgid()) in groups and not {"4242", "4343"} & set(groups), end


def test_its_end_is_told_between_frames_that_flow(lathe, start_server, repository, gateway):
    lathe.use(start_server(says({"text": "word " * 20, "times": 20_000})))
    server = gateway()
    frames = server.connect(token_of(lathe))
    frames.ask("1", op=configure(repository))
    frames.ask("2", op=user_input("talk"))
    frames.until("agent_message_delta")
    server.process.send_signal(signal.SIGTERM)
    assert status_of(frames)[0] == "UNAVAILABLE"
    assert server.process.wait(timeout=PATIENCE) == 0


def test_the_end_of_the_daemon_is_told_and_the_next_call_starts_another(lathe):
    lathe.variables["CI"] = None
    code, _, err = run(lathe)
    assert code == 5 and "lathe daemon start" in err, "none is to be started"
    lathe.variables["LATHE_DAEMON_AUTO_START"] = None
    server = Gateway(lathe)
    first = lathe.ok("daemon", "status", "--json").document["pid"]
    frames = server.connect(token_of(lathe))
    assert "reply" in frames.ask("1", call=LIST)
    os.kill(first, signal.SIGKILL)
    assert status_of(frames)[0] == "UNAVAILABLE"
    wait_until(lambda: lathe.run("daemon", "status").code == 1, "the end of the daemon")
    again = server.connect(token_of(lathe))
    assert "reply" in again.ask("1", call=LIST)
    assert lathe.ok("daemon", "status", "--json").document["pid"] != first
    server.end()
    lathe.ok("daemon", "stop")
    assert "Sanitizer" not in (lathe.home / "state/daemon.log").read_text()


def test_what_it_is_told_on_its_command_line(lathe):
    code, _, err = run(lathe, "--listen", "0.0.0.0:0")
    assert code == 1 and "0.0.0.0:0 is reached from other machines" in err
    code, _, err = run(lathe, "--lisen", "127.0.0.1:0")
    assert code == 1 and "--lisen" in err
    code, out, _ = run(lathe, "--version")
    assert code == 0 and out.split()[1] == lathe.ok("--version").out.split()[1]


def test_only_it_links_grpc(lathe):
    def libraries(program):
        return subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout

    assert "libgrpc" in libraries(f"{lathe.program}-grpc")
    assert "libgrpc" not in libraries(lathe.program) and "protobuf" not in libraries(lathe.program)
