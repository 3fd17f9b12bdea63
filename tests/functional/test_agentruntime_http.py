"""The routes and the WebSockets of agentruntime: its printed curl lines, but for port, token and `agent: native`."""
import base64
import json
import subprocess

import pytest

from support import calls, says, shell, wait_until
from test_daemon_tcp import Client, WebSocketFrames, token_of

PROMPT = "Reply with exactly hello from agentruntime."


def curl(address, token, path, *words):
    """curl as printed; gives the head and the body."""
    ran = subprocess.run(["curl", "-sS", "-i", f"http://{address[0]}:{address[1]}{path}", "-H", f"authorization: Bearer {token}",
                          *words], capture_output=True, text=True, check=True)
    head, _, body = ran.stdout.partition("\n\n")
    return head.lower(), body


def make(client, repository, **more):
    status, made = client.ask("POST", "/sessions", {"agent": "native", "work_dir": str(repository), **more})
    assert status == 201, made
    return made["session_id"]


def settled(client, session):
    """The session's snapshot once its status is no more `running`."""
    def look():
        status, snapshot = client.ask("GET", f"/sessions/{session}")
        assert status == 200, snapshot
        return snapshot if snapshot["state"] not in ("pending", "running") else None
    return wait_until(look, "the session's end")


def log_lines(text):
    """The lines of a log, of which each says where it ends."""
    end, lines = 0, []
    for line in text.splitlines(keepends=True):
        end += len(line.encode())
        lines.append(json.loads(line))
        assert lines[-1]["offset"] == end
    return lines


def test_the_printed_curl_lines(lathe, start_server, repository, listen):
    lathe.use(start_server(says("hello from agentruntime")))
    address = listen()
    token = token_of(lathe)
    body = json.dumps({"agent": "native", "prompt": PROMPT, "work_dir": str(repository)})
    head, text = curl(address, token, "/sessions", "-H", "content-type: application/json", "-d", body)
    assert head.startswith("http/1.1 201"), text
    made = json.loads(text)
    session = made["session_id"]
    place = f"{address[0]}:{address[1]}"
    assert made == {"session_id": session, "agent": "native", "runtime": "local", "status": "running",
                    "ws_url": f"ws://{place}/ws/sessions/{session}", "log_url": f"http://{place}/sessions/{session}/logs"}
    client = Client(address, token)
    snapshot = settled(client, session)
    assert (snapshot["state"], snapshot["exit_code"], snapshot["agent_name"]) == ("completed", 0, "native")
    assert snapshot["output_tokens"] > 0
    head, text = curl(address, token, f"/sessions/{session}/logs?cursor=0")
    assert f"agentruntime-log-cursor: {len(text.encode())}" in head
    lines = log_lines(text)
    assert [line["data"]["text"] for line in lines if line["type"] == "agent_message"] == ["hello from agentruntime"]
    assert [line["type"] for line in lines[-2:]] == ["result", "exit"] and lines[-1]["data"] == {"code": 0}
    middle = lines[1]["offset"]
    assert curl(address, token, f"/sessions/{session}/logs?cursor={middle}")[1] == text.encode()[middle:].decode()
    assert curl(address, token, f"/sessions/{session}/log")[1] == text
    (listed,) = client.ask("GET", "/sessions")[1]
    assert (listed["session_id"], listed["status"]) == (session, "completed")
    assert client.ask("GET", f"/sessions/{session}/info")[1]["ws_url"] == made["ws_url"]


def test_where_a_session_is_kept_and_what_it_used_is_told(lathe, start_server, repository, listen):
    lathe.use(start_server(says("done")))
    client = Client(listen(), token_of(lathe))
    session = make(client, repository, prompt="go", task_id="t-1")
    snapshot = settled(client, session)
    (journal,) = lathe.home.rglob(f"{session}/journal.ndjson")
    assert snapshot["session_dir"] == str(journal.parent)
    info = client.ask("GET", f"/sessions/{session}/info")[1]
    assert (info["session_dir"], info["log_file"], info["status"]) == (str(journal.parent), str(journal), "completed")
    shared = ("task_id", "work_dir", "exit_code", "created_at", "ended_at", "last_activity", "input_tokens", "output_tokens",
              "tool_call_count")
    assert {name: info[name] for name in shared} == {name: snapshot[name] for name in shared}
    assert client.ask("GET", "/health")[1]["runtime"] == "local"


def test_what_is_refused(lathe, start_server, repository, listen):
    lathe.use(start_server())
    address = listen()
    client = Client(address, token_of(lathe))
    good = {"agent": "native", "prompt": "go", "work_dir": str(repository)}
    for change in ({"agent": None}, {"agent": "claude"}, {"prompt": ""}, {"runtime": "docker"}, {"work_dir": "repository"},
                   {"work_dir": "/"}, {"work_dir": "/etc"}, {"work_dir": f"{repository}/../repository"},
                   {"work_dir": f"{repository}/nowhere"}, {"container": {"image": "x"}}):
        status, answer = client.ask("POST", "/sessions", good | change)
        assert status == 400 and answer["error"], (change, answer)
    session = make(client, repository, interactive=True)
    status, answer = client.ask("POST", "/sessions", good | {"session_id": session})
    assert status == 409, answer
    assert client.ask("GET", f"/sessions/{session}/logs?cursor=999999")[0] == 400
    assert client.ask("GET", "/sessions/last")[0] == 404
    assert client.ask("GET", "/sessions/00000000-0000-7000-8000-000000000000/logs")[0] == 404
    reader = Client(address, token_of(lathe, "read"))
    assert reader.ask("GET", f"/sessions/{session}/info")[0] == 200
    assert reader.ask("POST", "/sessions", good)[0] == 403
    assert reader.ask("DELETE", f"/sessions/{session}")[0] == 403


def test_env_reaches_the_sessions_commands_and_its_backend(lathe, start_server, repository, listen):
    shows = calls(shell('echo "flags:$GOFLAGS home:${HOME:+there} key:$MOCK_KEY"'))
    server = start_server(shows, says("One."), shows, says("Two."))
    lathe.use(server)
    # The daemon has no key of its own.
    lathe.variables |= {"GOFLAGS": "-mod=mod", "MOCK_KEY": None}
    address = listen()
    client = Client(address, token_of(lathe))

    def shown(**more):
        session = make(client, repository, prompt="go", **more)
        assert settled(client, session)["state"] == "completed"
        lines = log_lines(curl(address, token_of(lathe), f"/sessions/{session}/log")[1])
        (ended,) = [line["data"] for line in lines if line["type"] == "tool_result"]
        return ended["output"]

    assert "flags:-v home:there key:\n" in shown(env={"GOFLAGS": "-v", "MOCK_KEY": "key-of-this-client"})
    assert "flags:-mod=mod home:there key:\n" in shown(), "it is the session's only"
    made = {"agent": "native", "prompt": "go", "work_dir": str(repository)}
    status, answer = client.ask("POST", "/sessions", made | {"env": {"OTHER_SECRET": "x"}})
    assert status == 400 and "OTHER_SECRET" in answer["error"], answer
    prompter = Client(address, token_of(lathe, "read,prompt"))
    assert prompter.ask("POST", "/sessions", made | {"env": {"GOFLAGS": "-v"}})[0] == 403
    assert len(client.ask("GET", "/sessions")[1]) == 2


def test_a_session_goes_on_where_it_was(lathe, start_server, repository, listen):
    server = start_server(says("One."), says("Two."), says("Three."))
    lathe.use(server)
    client = Client(listen(), token_of(lathe))
    session = lathe.ok("exec", "--json", "remember the walrus").session

    def go_on(prompt, **more):
        status, made = client.ask("POST", "/sessions", {"agent": "native", "resume_session": session, "prompt": prompt, **more})
        assert status == 201 and made["session_id"] == session, made
        snapshot = settled(client, session)
        assert snapshot["state"] == "completed"
        said = json.dumps(server.requests()[-1]["body"])
        assert "remember the walrus" in said and prompt in said
        return made, snapshot

    made, snapshot = go_on("what was it?", task_id="t-1", tags={"repo": "calc"})
    assert made["task_id"] == snapshot["task_id"] == "t-1" and snapshot["work_dir"] == str(repository)
    assert client.ask("DELETE", f"/sessions/{session}")[0] == 200
    other = repository.parent / "other"
    other.mkdir()
    made, snapshot = go_on("and here?", task_id="t-2", work_dir=str(other))
    assert made["task_id"] == snapshot["task_id"] == "t-2" and snapshot["work_dir"] == str(other)
    assert snapshot["tags"] == {"repo": "calc"}
    assert [one["session_id"] for one in client.ask("GET", "/sessions")[1]] == [session], "it is deleted no more"


def test_a_session_that_cannot_go_on_is_left_as_it_is(lathe, start_server, repository, listen):
    lathe.use(start_server(calls(shell("touch began; exec tail -f /dev/null"))))
    address, token = listen(), token_of(lathe)
    client = Client(address, token)

    def refused(session):
        status, answer = client.ask("POST", "/sessions", {"agent": "native", "resume_session": session, "prompt": "go on"})
        return status, answer["code"]

    for unknown in ("0190ffff-0000-7000-8000-000000000000", "last"):
        assert refused(unknown) == (404, "not_found")
    session = make(client, repository, prompt="wait")
    wait_until((repository / "began").exists, "the command")
    assert refused(session) == (409, "locked")
    assert client.ask("GET", f"/sessions/{session}")[1]["state"] == "running"
    claimed = make(client, repository, interactive=True)
    holder = WebSocketFrames(address, "/v1/connect", token)
    assert "reply" in holder.ask("1", call={"type": "session_claim", "session": claimed})
    assert refused(claimed) == (409, "claimed")
    assert client.ask("GET", f"/sessions/{claimed}")[1]["state"] == "running", "it is interactive still"


def test_a_prompt_asks_nobody(lathe, start_server, repository, listen):
    lathe.use(start_server(calls(shell("cat greeting.txt", sandbox_permissions="require_escalated", justification="it is needed")),
                           says("It was not allowed.")))
    address = listen()
    client = Client(address, token_of(lathe))
    session = make(client, repository, prompt="go")
    assert settled(client, session)["state"] == "completed"
    lines = log_lines(curl(address, token_of(lathe), f"/sessions/{session}/log")[1])
    (ended,) = [line["data"] for line in lines if line["type"] == "tool_result"]
    assert ended["is_error"] and "hello" not in ended["output"]


def test_delete_ends_the_task_and_its_commands(lathe, start_server, repository, listen):
    lathe.use(start_server(calls(shell("touch began; exec tail -f /dev/null"))))
    client = Client(listen(), token_of(lathe))
    session = make(client, repository, prompt="wait")
    wait_until((repository / "began").exists, "the command")
    assert client.ask("GET", f"/sessions/{session}")[1]["state"] == "running"
    assert client.ask("DELETE", f"/sessions/{session}") == (200, {"session_id": session, "status": "failed"})
    snapshot = settled(client, session)
    assert (snapshot["state"], snapshot["exit_code"], snapshot["tool_call_count"]) == ("failed", 4, 1)
    assert client.ask("GET", "/sessions") == (200, [])
    (over,) = client.ask("GET", "/sessions/history")[1]
    assert (over["session_id"], over["status"]) == (session, "failed")
    make(client, repository, interactive=True)
    assert client.ask("GET", "/sessions/history?limit=5")[1] == [over], "one that goes on is no history"


def test_a_failed_task_is_a_failed_session_also_after_a_restart(lathe, start_server, repository, listen):
    lathe.use(start_server({"error": {"status": 401}}))
    address = listen()
    token = token_of(lathe)
    client = Client(address, token)
    session = make(client, repository, prompt="go")
    snapshot = settled(client, session)
    assert (snapshot["state"], snapshot["exit_code"]) == ("failed", 5)
    text = curl(address, token, f"/sessions/{session}/log")[1]
    exit_line = log_lines(text)[-1]
    assert exit_line["data"]["error_category"] == "auth_error" and exit_line["data"]["retryable"] is False
    lathe.ok("daemon", "stop")
    lathe.ok("daemon", "start", "--listen", "127.0.0.1:0")
    host, port = lathe.ok("daemon", "status", "--json").document["listen"].split(":")
    assert curl((host, int(port)), token, f"/sessions/{session}/log")[1] == text


class Socket(WebSocketFrames):
    """One of agentruntime's WebSockets."""

    def __init__(self, address, path, token):
        super().__init__(address, path, token)
        assert self.status == 101

    def say(self, **frame):
        self.send_bytes(json.dumps(frame).encode())

    def until(self, done):
        """Frames until one of which that is true, which is the last."""
        seen = []
        while not seen or not done(seen[-1]):
            seen.append(self.next())
            assert seen[-1] is not None, seen
        return seen


def of_type(name):
    return lambda frame: frame["type"] == name


def test_two_watch_and_steer_over_the_bridge(lathe, start_server, repository, listen):
    lathe.use(start_server(says("One."), says("Two.")))
    address = listen()
    client = Client(address, token_of(lathe))
    token = token_of(lathe)
    session = make(client, repository, interactive=True)
    path = f"/ws/sessions/{session}"
    watch, other = Socket(address, f"{path}?since=0", token), Socket(address, path, token)
    replay, connected = watch.until(of_type("connected"))
    assert connected == {"type": "connected", "session_id": session, "mode": "pipe"}
    assert other.next() == connected
    text = base64.b64decode(replay["data"]).decode()
    assert replay["offset"] == len(text.encode())
    other.say(type="stdin", data="go\n")
    other.until(lambda frame: '"text":"One."' in frame.get("data", ""))
    other.file.close()
    other.connection.close()
    frames = watch.until(lambda frame: '"type":"result"' in frame.get("data", ""))
    watch.say(type="ping")
    watch.say(type="sing")
    assert watch.next() == {"type": "pong"}
    error = watch.next()
    assert error["type"] == "error" and "sing" in error["error"]
    watch.say(type="prompt", data="again")
    frames += watch.until(lambda frame: '"type":"result"' in frame.get("data", ""))
    end = replay["offset"]
    for frame in frames:
        assert frame["type"] == "stdout" and frame["data"].endswith("\n")
        if frame["offset"] > end:  # else progress, which is no part of the log
            text += frame["data"]
            end = frame["offset"]
    assert curl(address, token, f"/sessions/{session}/log")[1].startswith(text)
    middle = replay["offset"] + 5
    again = Socket(address, f"{path}?since={middle}", token)
    assert base64.b64decode(again.next()["data"]).decode().startswith(text.encode()[middle:].decode())
    assert client.ask("DELETE", f"/sessions/{session}")[0] == 200
    over = {"type": "exit", "exit_code": 0}
    assert watch.until(of_type("exit"))[-1] == over and watch.next() is None
    assert again.until(of_type("exit"))[-1] == over
    assert Socket(address, path, token).until(of_type("exit")) == [connected, over]


def test_the_exit_frame_tells_what_failed(lathe, start_server, repository, listen):
    lathe.use(start_server({"error": {"status": 401}}))
    address = listen()
    client = Client(address, token_of(lathe))
    session = make(client, repository, prompt="go")
    over = Socket(address, f"/ws/sessions/{session}?since=0", token_of(lathe)).until(of_type("exit"))[-1]
    assert (over["exit_code"], over["error_category"], over["retryable"]) == (5, "auth_error", False)
    assert client.ask("GET", f"/ws/sessions/{session}")[0] == 400
    assert client.ask("GET", "/ws/sessions/nowhere")[0] == 400


def test_the_sidecars_commands_and_events(lathe, start_server, repository, listen):
    server = start_server(calls(shell("touch began; exec tail -f /dev/null")), says("Done."))
    lathe.use(server)
    address = listen()
    client = Client(address, token_of(lathe))
    session = make(client, repository, interactive=True)
    socket = Socket(address, f"/ws/sessions/{session}/events?since=0", token_of(lathe, "read,prompt"))
    assert socket.next()["data"]["subtype"] == "session_configured"
    socket.say(type="prompt", data={"content": "wait"})
    wait_until((repository / "began").exists, "the command")
    socket.say(type="interrupt")
    seen = socket.until(of_type("result"))
    assert seen[-1]["data"]["status"] == "interrupted"
    (used,) = [event["data"] for event in seen if event["type"] == "tool_use"]
    (ended,) = [event["data"] for event in seen if event["type"] == "tool_result"]
    assert used["id"] == ended["id"] and used["name"] == ended["name"] == "shell" and ended["is_error"]
    socket.say(type="mention", data={"filePath": "greeting.txt", "lineStart": 1, "lineEnd": 2})
    socket.say(type="prompt", data={"content": "go on"})
    seen = socket.until(of_type("result"))
    said = [event["data"] for event in seen if event["type"] == "agent_message"]
    assert said[-1]["text"] == "Done." and said[-1]["delta"] is False
    assert "".join(one["text"] for one in said if one["delta"]) == "Done."
    assert seen[-1]["data"]["status"] == "success"
    assert "greeting.txt, lines 1 to 2" in json.dumps(server.requests()[-1])
    watcher = Socket(address, f"/ws/sessions/{session}/events", token_of(lathe, "read"))
    watcher.say(type="prompt", data={"content": "not for me"})
    refused = watcher.next()
    assert (refused["type"], refused["data"]["error_category"]) == ("error", "permission_denied")


def test_a_session_keeps_its_task_id_and_tags(lathe, start_server, repository, listen):
    lathe.use(start_server(says("done", repeat=-1)))
    address = listen()
    client = Client(address, token_of(lathe))
    given = {"task_id": "t-1", "tags": {"repo": "calc", "ticket": "DOCS-12"}}
    status, made = client.ask("POST", "/sessions", {"agent": "native", "work_dir": str(repository), "prompt": "go", **given})
    assert status == 201 and made["task_id"] == "t-1", made
    snapshot = settled(client, made["session_id"])
    assert {name: snapshot[name] for name in given} == given
    (listed,) = client.ask("GET", "/sessions")[1]
    assert {name: listed[name] for name in given} == given
    (known,) = lathe.ok("session", "list", "--json", "--tag", "repo=calc").document["sessions"]
    assert known["session_id"] == made["session_id"]
    for who in (client, Client(address, token_of(lathe, "read,prompt"))):
        status, refused = who.ask("POST", "/sessions", {"agent": "native", "work_dir": str(repository), "prompt": "go",
                                                        "tags": {"note": "two words"}})
        assert status == 400 and "note=two words" in refused["error"], refused
        assert len(client.ask("GET", "/sessions")[1]) == 1
