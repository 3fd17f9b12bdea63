"""What goes wrong between Lathe and a model is named, with what to do, and nothing hangs."""
import socket
import time

import pytest

from support import apply_patch, says, shell


def fast_retries(server_error_status):
    return {"error": {"status": server_error_status, "headers": {"retry-after": "0"}}, "repeat": -1}


def test_no_backend_at_all(lathe):
    ran = lathe.fails(1, "exec", "go")
    assert "lathe setup" in ran.err


def test_no_key(lathe, start_server):
    server = start_server(says("never"))
    lathe.use(server)
    del lathe.variables["MOCK_KEY"]
    assert "set MOCK_KEY" in lathe.fails(1, "exec", "go").err
    assert server.requests() == []


@pytest.mark.parametrize("wire", ["openai", "openai-chat", "anthropic"])
def test_a_wrong_key(lathe, start_server, wire):
    server = start_server({"error": {"status": 401, "message": "Incorrect API key provided"}, "repeat": -1})
    lathe.use(server, wire)
    ran = lathe.fails(5, "exec", "--json", "go")
    error = ran.of_type("error")[-1]
    assert (error["code"], error["retryable"]) == ("auth_error", False)
    assert "MOCK_KEY" in error.get("hint", "") + error["message"]
    assert "key-of-the-test" not in ran.out + ran.err
    assert len(server.requests()) == 1


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


def test_a_host_that_drops_packets_ends_within_ten_seconds(lathe):
    with socket.socket() as deaf, socket.socket() as filler:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        filler.connect(deaf.getsockname())  # the backlog is full: no further connection is answered
        port = deaf.getsockname()[1]
        lathe.variables["MOCK_KEY"] = "x"
        lathe.ok("backend", "add", "mock", "--type", "openai", "--url", f"http://127.0.0.1:{port}/v1", "--api-key-env", "MOCK_KEY")
        started = time.monotonic()
        ran = lathe.fails(5, "exec", "--backend", "mock", "--model", "mock", "--json", "go")
        assert time.monotonic() - started < 10.5
        assert len(ran.of_type("stream_error")) == 2  # three attempts


def test_an_unreachable_host_ends_within_ten_seconds(lathe):
    lathe.variables["MOCK_KEY"] = "x"
    lathe.ok("backend", "add", "mock", "--type", "openai", "--url", "http://127.0.0.1:9/v1", "--api-key-env", "MOCK_KEY")
    started = time.monotonic()
    ran = lathe.fails(5, "exec", "--backend", "mock", "--model", "mock", "go")
    assert time.monotonic() - started < 10
    assert "127.0.0.1:9" in ran.err


@pytest.mark.parametrize("status,code", [(400, "bad_request"), (403, "auth_error"), (404, "model_not_found"),
                                         (413, "context_window_exceeded")])
def test_a_refusal_is_not_tried_again(lathe, start_server, status, code):
    error = {"status": status, "message": "model mock does not exist"} if status == 404 else {"status": status}
    server = start_server({"error": error, "repeat": -1})
    lathe.use(server, "anthropic")
    ran = lathe.fails(1 if status == 404 else 5, "exec", "--json", "go")
    error = ran.of_type("error")[-1]
    assert (error["code"], error["retryable"]) == (code, False)
    assert len([request for request in server.requests() if request["path"].endswith("/messages")]) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503, 529])
def test_a_passing_failure_is_tried_again_and_then_done(lathe, start_server, status):
    server = start_server({"error": {"status": status, "headers": {"retry-after": "0"}}}, says("Recovered."))
    lathe.use(server, "openai-chat")
    ran = lathe.ok("exec", "--json", "go")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "Recovered."
    assert len(server.requests()) == 2
    assert ran.of_type("stream_error")[0]["attempt"] == 1


@pytest.mark.parametrize("status,code", [(408, "timeout"), (429, "rate_limit"), (500, "upstream_api_error"), (529, "upstream_api_error")])
def test_a_lasting_failure_ends_with_exit_5(lathe, start_server, status, code):
    server = start_server(fast_retries(status))
    lathe.use(server, "anthropic")
    ran = lathe.fails(5, "exec", "--json", "go")
    error = ran.of_type("error")[-1]
    assert (error["code"], error["retryable"]) == (code, True)
    assert len(server.requests()) == 5  # once, and four retries


def test_garbage_instead_of_a_stream_is_an_error_at_once(lathe, start_server):
    server = start_server({"raw": {"body": "<html>Bad gateway</html>", "content_type": "text/html"}, "repeat": -1})
    lathe.use(server, "openai-chat")
    ran = lathe.fails(5, "exec", "--json", "go")
    assert ran.of_type("error")[-1]["code"] == "stream_error"
    assert len(server.requests()) == 1


@pytest.mark.parametrize("wire", ["openai", "openai-chat", "anthropic", "ollama"])
def test_a_cut_stream_is_tried_again(lathe, start_server, wire):
    server = start_server(says("Hel", {"cut": True}), says("Hello again."))
    lathe.use(server, wire)
    ran = lathe.ok("exec", "--json", "go")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "Hello again."
    assert ran.of_type("stream_error") and ran.of_type("item_reset")


def test_a_cut_after_a_tool_call_runs_it_once(lathe, start_server, repository):
    append = shell("echo once >> effects.txt")
    server = start_server({"tool_calls": [append]}, says("Hel", {"cut": True}), says("Hello again."))
    lathe.use(server)
    lathe.ok("exec", "go")
    assert (repository / "effects.txt").read_text() == "once\n"


def test_a_call_in_a_cut_answer_runs_once(lathe, start_server, repository):
    append = shell("echo once >> effects.txt")
    server = start_server({"tool_calls": [append], "before_end": [{"cut": True}]}, {"tool_calls": [append]}, says("Done."))
    lathe.use(server)
    lathe.ok("exec", "go")
    assert (repository / "effects.txt").read_text() == "once\n"
    assert len(server.requests()) == 3


def test_a_stream_that_is_always_cut_ends(lathe, start_server):
    server = start_server({"text": ["Hel", {"cut": True}], "repeat": -1})
    lathe.use(server, "openai-chat")
    ran = lathe.fails(5, "exec", "--json", "go")
    assert ran.of_type("error")[-1]["code"] == "stream_error"
    assert len(server.requests()) == 6  # once, and five retries
    assert ran.of_type("agent_message")[-1] == {"type": "agent_message", "item": ran.of_type("agent_message")[-1]["item"],
                                                "text": "Hel", "status": "incomplete"}


def test_a_stalled_stream_ends(lathe, start_server):
    server = start_server({"text": ["Hel", {"stall": True}], "repeat": -1})
    lathe.use(server)
    lathe.ok("config", "set", "stream-idle-timeout", "1s")
    ran = lathe.fails(5, "exec", "--json", "go")
    assert [error["attempt"] for error in ran.of_type("stream_error")] == [1, 2, 3, 4, 5]
    assert ran.of_type("error")[-1]["code"] == "timeout"


@pytest.mark.parametrize("wire", ["openai", "openai-chat", "anthropic", "ollama"])
def test_arguments_that_are_no_json_are_told_to_the_model(lathe, start_server, wire):
    server = start_server({"tool_calls": [{"name": "shell", "arguments": "{\"command\": \"ls"}]}, says("I see."))
    lathe.use(server, wire)
    ran = lathe.ok("exec", "--json", "go")
    (end,) = ran.of_type("tool_call_end")
    assert end["outcome"]["status"] == "failed" and "JSON" in end["outcome"]["output"]


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


def test_responses_falls_back_to_chat_once_per_backend(lathe, start_server):
    server = start_server({"error": {"status": 404, "body": "404 page not found"}}, says("Over chat."), says("Still chat."))
    lathe.use(server, "openai")
    assert "Over chat." in lathe.ok("exec", "go").out
    assert "Still chat." in lathe.ok("exec", "go").out
    assert [request["wire"] for request in server.requests()] == ["openai_responses", "openai_chat", "openai_chat"]


def test_a_missing_working_folder(lathe, start_server):
    lathe.use(start_server(says("never")))
    ran = lathe.fails(1, "exec", "--cwd", "nowhere", "go")
    assert "nowhere" in ran.err


def test_a_broken_configuration_names_line_and_column(lathe, start_server):
    lathe.use(start_server(says("never")))
    path = next(lathe.home.rglob("config.yaml"))
    path.write_text("default-backend: [unclosed\n")
    assert "config.yaml:2:1:" in lathe.fails(1, "exec", "go").err
