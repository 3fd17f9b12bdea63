"""The daemon's TCP address: tokens and their scopes, HTTP, events as they come, and the flows over TCP and WebSocket."""
import base64
import hashlib
import http.client
import json
import os
import socket
import struct

import pytest

from frames import ANSWERS, Frames, play
from support import PATIENCE, calls, says, shell, wait_until


def token_of(lathe, scopes="admin"):
    return lathe.ok("daemon", "token", "create", "--scope", scopes).out.strip()


class Client:
    """HTTP as a program speaks it."""

    def __init__(self, address, token=None):
        self.connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
        self.headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})

    def ask(self, method, path, body=None, **headers):
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, self.headers | {name.replace("_", "-"): value for name, value in headers.items()})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


class WebSocketFrames(Frames):
    """As much of RFC 6455 as a client needs: a frame of ours is a message."""

    def __init__(self, address, path, token):
        self.connection = socket.create_connection(address, timeout=PATIENCE)
        super().__init__(self.connection.fileno(), self.connection.fileno(), None)
        key = base64.b64encode(os.urandom(16)).decode()
        shown = f"Authorization: Bearer {token}\r\n" if token else ""
        self.connection.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                 f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                                 f"{shown}\r\n").encode())
        self.file = self.connection.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass

    def send_bytes(self, data):
        mask = os.urandom(4)
        size = struct.pack(">B", 0x80 | len(data)) if len(data) < 126 else struct.pack(">BH", 0x80 | 126, len(data))
        self.connection.sendall(b"\x81" + size + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(data)))

    def next(self):
        first, size = self.file.read(2)
        if size >= 126:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
        text = self.file.read(size)
        return json.loads(text) if first == 0x81 else None


def test_a_client_comes_in_with_a_token_and_asks_what_it_is_for(lathe, listen):
    address = listen()
    assert Client(address).ask("GET", "/health")[1]["status"] == "ok"
    assert Client(address).ask("POST", "/v1/calls/session_list")[0] == 401
    reader = Client(address, token_of(lathe, "read"))
    assert reader.ask("POST", "/v1/calls/session_list") == (200, {"sessions": []})
    status, refused = reader.ask("POST", "/v1/sessions", {"cwd": "/"})
    assert status == 403 and "prompt" in refused["error"]["message"]
    assert Client(address, token_of(lathe).upper()).ask("POST", "/v1/calls/session_list")[0] == 401
    (entry,) = [one for one in lathe.ok("daemon", "token", "list", "--json").document["tokens"] if one["scopes"] == "read"]
    lathe.ok("daemon", "token", "remove", entry["id"])
    assert reader.ask("POST", "/v1/calls/session_list")[0] == 401


def test_what_a_page_could_send_is_refused(lathe, listen):
    client = Client(listen(), token_of(lathe))
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}, {"content_type": "text/plain"}):
        status, answer = client.ask("POST", "/v1/calls/session_list", {}, **headers)
        assert status in (400, 403), (headers, answer)


def test_a_task_over_http_with_its_events(lathe, start_server, repository, listen):
    lathe.use(start_server(says("Over HTTP.")))
    address = listen()
    client = Client(address, token_of(lathe))
    status, made = client.ask("POST", "/v1/sessions", {"cwd": str(repository)})
    assert status == 201, made
    status, ack = client.ask("POST", f"/v1/sessions/{made['session']}/ops/user_input", {"items": [{"type": "text", "text": "go"}]})
    assert status == 200 and ack["seq"] > 0, ack
    events = Client(address, token_of(lathe, "read"))
    events.connection.request("GET", f"/v1/sessions/{made['session']}/events?since=0", headers=events.headers)
    stream = events.connection.getresponse()
    assert stream.headers["content-type"] == "text/event-stream"
    seen, last_id = [], None
    while not seen or seen[-1] != "task_complete":
        line = stream.readline().decode().rstrip("\n")
        if line.startswith("id: "):
            last_id = int(line[4:])
        if line.startswith("event: "):
            seen.append(line[7:])
        if line.startswith("data: "):
            assert json.loads(line[6:])["msg"]["type"] == seen[-1]
    assert seen[0] == "session_configured" and last_id > ack["seq"]
    status, answer = client.ask("POST", "/v1/calls/session_get", {"session": made["session"]})
    assert status == 200 and answer["session"]["session_id"] == made["session"]
    assert client.ask("POST", "/v1/calls/session_gett")[0] == 404
    assert client.ask("GET", "/nowhere")[0] == 404


def test_a_cursor_from_the_future_is_refused_on_every_wire(lathe, start_server, repository, listen):
    lathe.use(start_server())
    address, token = listen(), token_of(lathe)
    client = Client(address, token)
    session = client.ask("POST", "/v1/sessions", {"cwd": str(repository)})[1]["session"]
    status, refused = client.ask("GET", f"/v1/sessions/{session}/events?since=999")
    assert status == 400 and "999" in refused["error"]["message"]
    assert client.ask("GET", f"/v1/sessions/{session}/events", last_event_id="999")[0] == 400
    frames = WebSocketFrames(address, "/v1/connect", token)
    assert frames.ask("a", call={"type": "session_subscribe", "session": session, "since": 999})["error"]["code"] == "invalid"
    assert "reply" in frames.ask("b", call={"type": "session_subscribe", "session": session, "since": 0})


def test_a_message_that_is_too_long_is_told_the_limit(lathe, listen):
    address, token = listen(), token_of(lathe)
    frames = WebSocketFrames(address, "/v1/connect", token)
    size = (32 << 20) + 1
    frames.connection.sendall(b"\x81\xff" + struct.pack(">Q", size) + bytes(4) + b" " * size)
    first, length = frames.file.read(2)
    code, reason = struct.unpack(">H", frames.file.read(2))[0], frames.file.read(length - 2).decode()
    assert (first, code) == (0x88, 1009) and str(size - 1) in reason


def test_who_tries_tokens_is_slowed_down_and_nobody_else(lathe, listen):
    address = listen()
    client, good = Client(address, "lathe_wrong"), Client(address, token_of(lathe))

    def refused():
        for _ in range(50):
            client.connection.request("POST", "/v1/calls/session_list", headers=client.headers)
            answer = client.connection.getresponse()
            answer.read()
            assert answer.status in (401, 429)
            if answer.status == 429:
                return answer.headers["retry-after"]
        return None

    assert wait_until(refused, "the limit") == "1"
    assert good.ask("POST", "/v1/calls/session_list")[0] == 200


def test_a_blob_in_whole_and_in_part(lathe, start_server, repository, listen):
    lathe.use(start_server(calls(shell("seq 1 100000")), says("Done.")))
    ran = lathe.ok("exec", "--json", "go")
    (ended,) = ran.of_type("exec_command_end")
    address = listen()
    reader, prompter = (Client(address, token_of(lathe, scope)) for scope in ("read", "prompt"))

    def get(client, method="GET", hash=ended["outcome"]["output_blob"], **headers):
        client.connection.request(method, f"/v1/blobs/{hash}", headers=client.headers | {name.replace("_", "-"): value for name, value in headers.items()})
        answer = client.connection.getresponse()
        return answer, answer.read()

    answer, whole = get(reader)
    assert answer.status == 200 and hashlib.sha256(whole).hexdigest() == ended["outcome"]["output_blob"]
    assert whole.decode() == "".join(f"{number}\n" for number in range(1, 100001))
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == ("application/octet-stream", "nosniff")
    answer, part = get(reader, range="bytes=2-5")
    assert answer.status == 206 and part == whole[2:6] and answer.headers["content-range"] == f"bytes 2-5/{len(whole)}"
    assert get(reader, range=f"bytes={len(whole)}-")[0].status == 416
    answer, nothing = get(reader, "HEAD")
    assert answer.status == 200 and nothing == b"" and answer.headers["content-length"] == str(len(whole))
    assert get(reader, if_none_match=answer.headers["etag"])[0].status == 304
    assert get(reader, hash="0" * 64)[0].status == 404
    assert get(reader, hash="../../../config.yaml")[0].status == 404
    assert get(reader, hash="..%2f..%2fconfig.yaml")[0].status == 400
    assert get(prompter)[0].status == 403


def test_all_sessions_are_watched_over_http_and_frames(lathe, start_server, repository, listen):
    lathe.use(start_server(says("Seen.")))
    address = listen()
    token = token_of(lathe, "read")
    watch = Client(address, token)
    watch.connection.request("GET", "/v1/watch", headers=watch.headers)
    stream = watch.connection.getresponse()
    assert stream.headers["content-type"] == "text/event-stream"
    frames = WebSocketFrames(address, "/v1/connect", token)
    assert "reply" in frames.ask("w", call={"type": "watch"})
    session = lathe.ok("exec", "--json", "look here").session
    for next_row in (lambda: json.loads(next_data(stream))["msg"], lambda: frames.event()["msg"]):
        row = next_row()
        while (row["session"]["state"], row["session"]["tasks"]) != ("idle", 1):
            row = next_row()
        assert (row["type"], row["session"]["session_id"], row["session"]["title"]) == ("session_changed", session, "look here")


def next_data(stream):
    while not (line := stream.readline().decode()).startswith("data: "):
        assert line
    return line[6:]


def test_each_request_is_an_op_of_its_own(lathe, start_server, repository, listen):
    lathe.use(start_server(says("One."), says("Two.")))
    client = Client(listen(), token_of(lathe))
    session = client.ask("POST", "/v1/sessions", {"cwd": str(repository)})[1]["session"]
    acks = []
    for text in ("one", "two"):
        status, ack = client.ask("POST", f"/v1/sessions/{session}/ops/user_input",
                                 {"items": [{"type": "text", "text": text}], "if_busy": "queue"})
        assert status == 200, ack
        acks.append(ack["seq"])
    assert acks[0] < acks[1]


def test_what_is_no_request_ends_that_connection_only(lathe, listen):
    address = listen()
    other = Client(address, token_of(lathe))
    assert other.ask("POST", "/v1/calls/session_list")[0] == 200
    with socket.create_connection(address, timeout=PATIENCE) as broken:
        broken.sendall(b"GARBAGE\r\n\r\n")
        assert broken.makefile("rb").readline().startswith(b"HTTP/1.1 400")
    assert other.ask("POST", "/v1/calls/session_list")[0] == 200


@pytest.mark.parametrize("wire", ["tcp", "websocket", "websocket-hello"])
@pytest.mark.parametrize("flow", ANSWERS)
def test_a_flow_of_the_protocol(lathe, start_server, repository, listen, wire, flow):
    lathe.use(start_server(*ANSWERS[flow]))
    address = listen()
    token = token_of(lathe)
    if wire.startswith("websocket"):
        frames = WebSocketFrames(address, "/v1/connect", token if wire == "websocket" else None)
        assert frames.status == 101
    else:
        frames = Frames.of_socket(socket.create_connection(address, timeout=PATIENCE))
    if wire != "websocket":
        assert frames.ask("a", call={"type": "session_list"})["error"]["code"] == "permission_denied"
        assert "reply" in frames.ask("b", call={"type": "hello", "client": "test", "token": token})
    play(frames, flow, repository)


def test_only_this_machine_is_listened_to(lathe):
    lathe.variables["CI"] = None
    refused = lathe.run("daemon", "start", "--listen", "0.0.0.0:0")
    assert refused.code != 0 and "0.0.0.0:0 is reached from other machines" in refused.err
    assert lathe.run("daemon", "start", "--listen", "localhost").code != 0
    assert lathe.fails(1, "daemon", "status", "--json").document == {"running": False}
