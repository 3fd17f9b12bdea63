"""What goes wrong outside of a model's answer is named, with what to do, and nothing hangs. (test_wires_faults.py has
the answers.)"""
import contextlib
import socket
import time

import pytest

from support import WIRES, apply_patch, at_once, says, tool


def test_no_key(lathe, start_server):
    server = start_server(says("never"))
    lathe.use(server)
    del lathe.variables["MOCK_KEY"]
    assert "set MOCK_KEY" in lathe.fails(1, "exec", "go").err
    assert server.requests() == []


@pytest.mark.parametrize("line,says_what", [
    ("exce foo", """did you mean "exec"? as a prompt: lathe exec 'exce foo'"""),
    ("sesion list --json", 'did you mean "session"?)'),
    ("session lst", 'session: there is no command "lst" (did you mean "list"?)'),
    ("tidy", "as a prompt: lathe exec tidy)"),
])
def test_a_mistyped_command_is_never_a_prompt(lathe, start_server, line, says_what):
    server = start_server({"text": "I was asked.", "repeat": -1})
    lathe.use(server)
    assert says_what in lathe.fails(1, *line.split()).err
    assert server.requests() == []


def test_an_unknown_backend_names_the_near_one(lathe, start_server):
    lathe.use(start_server(says("never")))
    ran = lathe.fails(1, "exec", "--backend", "mok", "go")
    assert "mok" in ran.err and "mock" in ran.err


def test_an_unknown_model_names_the_near_one_of_the_server(lathe, start_server):
    server = start_server({"error": {"status": 404, "code": "model_not_found", "message": "no such model"}, "repeat": -1},
                          models=[{"id": "deep-thought-7b"}, {"id": "other"}])
    lathe.use(server)
    ran = lathe.fails(1, "exec", "--model", "deep-thougt-7b", "go")
    assert "deep-thought-7b" in ran.err


@contextlib.contextmanager
def deaf_port():
    """A port of this machine where connections are neither taken nor refused, as behind a firewall that drops packets."""
    with socket.socket() as deaf, socket.socket() as filler:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        filler.connect(deaf.getsockname())  # the backlog is full: no further connection is answered
        yield deaf.getsockname()[1]


def test_a_host_that_drops_packets_ends_within_ten_seconds(lathe, start_server):
    live = start_server(says("Here I am."))
    lathe.variables["MOCK_KEY"] = "x"
    with deaf_port() as port:
        for name, url in (("mock", f"http://127.0.0.1:{port}/v1"), ("twin", f"http://127.0.0.1:{port}/other/v1"),
                          ("live", f"{live.url}/v1")):
            lathe.ok("backend", "add", name, "--type", "openai", "--url", url, "--api-key-env", "MOCK_KEY")
        words = ("exec", "--backend", "mock", "--model", "mock", "--fallback", "twin/mock", "--json", "go")
        started = time.monotonic()
        ran = lathe.fails(5, *words)
        assert time.monotonic() - started < 10
        assert len(ran.of_type("stream_error")) == 2  # three attempts at the one, none at its twin
        assert f"127.0.0.1:{port} took no connection for mock/mock" in ran.of_type("error")[-1]["message"]
        ran = lathe.ok(*words[:-2], "--fallback", "live/mock", *words[-2:])
        assert ran.of_type("task_complete")[0]["last_agent_message"] == "Here I am."
        assert "twin/mock was skipped (unreachable" in ran.of_type("warning")[-1]["message"]


def test_a_host_that_drops_packets_is_not_waited_for_more_where_it_is_asked_for_its_window_first(another_lathe):
    def ends(kind, lathe, port):
        root = f"http://127.0.0.1:{port}"
        lathe.ok("backend", "add", "mock", "--type", kind, "--url", root if kind == "ollama" else f"{root}/v1")
        started = time.monotonic()
        ran = lathe.fails(5, "exec", "--backend", "mock", "--model", "mock", "--json", "go")
        assert time.monotonic() - started < 10
        assert [(error["attempt"], error["of"]) for error in ran.of_type("stream_error")] == [(2, 2)]
        assert ran.of_type("error")[-1]["code"] == "unreachable" and f"127.0.0.1:{port}" in ran.err

    with deaf_port() as port:
        at_once(ends, *((kind, another_lathe(kind), port) for kind in ("ollama", "llamacpp", "vllm")))


def test_an_unreachable_host_ends_within_ten_seconds(lathe):
    lathe.variables["MOCK_KEY"] = "x"
    lathe.ok("backend", "add", "mock", "--type", "openai", "--url", "http://127.0.0.1:9/v1", "--api-key-env", "MOCK_KEY")
    started = time.monotonic()
    ran = lathe.fails(5, "exec", "--backend", "mock", "--model", "mock", "go")
    assert time.monotonic() - started < 10
    assert "127.0.0.1:9" in ran.err


@pytest.mark.parametrize("wire", WIRES)
def test_arguments_that_are_no_json_are_told_to_the_model(lathe, start_server, wire):
    server = start_server({"tool_calls": [{"name": "shell", "arguments": "{\"command\": \"ls"}]}, says("I see."))
    lathe.use(server, wire)
    ran = lathe.ok("exec", "--json", "go")
    (end,) = ran.of_type("tool_call_end")
    assert end["outcome"]["status"] == "failed" and "JSON" in end["outcome"]["output"]


@pytest.mark.parametrize("wire", WIRES)
def test_bytes_in_arguments_that_are_no_utf8_are_replaced(lathe, start_server, repository, wire):
    write = tool("write_file", path="note.txt", content="caf@\n")  # whose "@" is sent as the byte FF
    lathe.use(start_server({"tool_calls": [write], "bad_bytes": True}, says("Done.")), wire)
    assert lathe.ok("exec", "go").out == "Done.\n"
    assert (repository / "note.txt").read_text() == "caf\ufffd\n"


def test_a_patch_that_does_not_match_changes_nothing(lathe, start_server, repository):
    patch = "*** Begin Patch\n*** Update File: greeting.txt\n@@\n-not there\n+new\n*** End Patch\n"
    lathe.use(start_server({"tool_calls": [apply_patch(patch)]}, says("I see.")))
    ran = lathe.ok("exec", "--json", "go")
    (end,) = ran.of_type("patch_apply_end", "tool_call_end")
    assert end["outcome"]["status"] == "failed" and "not there" in end["outcome"]["output"]
    assert (repository / "greeting.txt").read_text() == "hello\nworld\n"


def test_a_full_disk_ends_the_task_and_leaves_reads_alone(lathe, start_server):
    server = start_server(says("Hello."), says("Again."))
    lathe.use(server)
    first = lathe.ok("exec", "--json", "go")
    ran = lathe.fails(5, "exec", "go", env={"LATHE_FAULT": "enospc@3"})
    assert "no space" in ran.err.lower()
    assert first.session in lathe.ok("session", "list", "--json").out
    assert "Hello." in lathe.ok("session", "show", first.session).out


@pytest.mark.parametrize("option", ["--replay", "--policy", "-o", "--model"])
def test_the_value_of_an_unset_variable_asks_no_model(lathe, start_server, option):
    server = start_server({"text": "I was asked.", "repeat": -1})
    lathe.use(server)
    assert "is a variable not set?" in lathe.fails(1, "exec", option, "", "go").err
    assert server.requests() == []


@pytest.mark.parametrize("where,step", [("/nowhere/x", "mkdir -p /nowhere"), ("/", "name a file")])
def test_a_last_message_that_cannot_be_written_asks_no_model(lathe, start_server, where, step):
    server = start_server(says("never"))
    lathe.use(server)
    ran = lathe.fails(1, "exec", "-o", where, "go")
    assert f"--output-last-message {where}" in ran.err and step in ran.err
    assert server.requests() == []


def test_a_missing_working_folder(lathe, start_server):
    lathe.use(start_server(says("never")))
    ran = lathe.fails(1, "exec", "--cwd", "nowhere", "go")
    assert "nowhere" in ran.err


@pytest.mark.parametrize("name,text,says_where", [
    ("config.yaml", "default-backend: [unclosed\n", "config.yaml:2:1:"),
    ("config.yaml", "backends:\n  mock:\n    typ: openai\n", 'is "typ" meant to be it?'),
    ("models.yaml", "models: 5\n", "models.yaml:1:9:"),
    ("policies/mine.yaml", "rules: [", "mine.yaml:1:"),
], ids=["no YAML", "a slip", "models", "rules"])
def test_a_broken_configuration_stops_tasks_with_its_place_and_no_look_at_records(lathe, start_server, name, text, says_where):
    server = start_server(says("Hello."))
    lathe.use(server)
    session = lathe.ok("exec", "--json", "go").session
    path = lathe.home / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert says_where in lathe.fails(1, "exec", "go").err
    for words in (["session", "list", "--json"], ["session", "show", "last"], ["session", "export", session], ["usage"],
                  ["approvals", "list"], ["index", "rebuild"]):
        ran = lathe.ok(*words)
        assert says_where in ran.err, str(ran)
    assert "Hello." in lathe.ok("session", "show", session).out
    assert says_where in lathe.fails(1, "session", "fork", session).err
    assert len(server.requests()) == 1
