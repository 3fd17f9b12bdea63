"""What can go wrong between Lathe and a server, over every wire: each has its category, its exit code and its number of
requests, nothing that was shown is lost, no call runs twice, and nothing hangs. (A line of 10 MiB is in
src/providers/common/wires_test.cc.)"""
import pytest

from support import WIRES, at_once, calls, says, shell

NO_MODEL = {"message": "model mock does not exist"}
NO_RESPONSES = [{"status": 404, "body": "404 page not found"},
                {"status": 405, "body": ""},
                {"status": 400, "body": {"error": {"message": "Unsupported endpoint: /v1/responses"}}}]


def every_wire(test):
    return pytest.mark.parametrize("wire", WIRES)(test)


def asked(server, wire):
    return [request["wire"] for request in server.requests()] == [WIRES[wire]] * len(server.requests())


@every_wire
def test_a_refusal_is_not_tried_again(lathe, start_server, wire):
    cases = [(400, {}, 5, "bad_request"), (401, {}, 5, "auth_error"), (403, {}, 5, "permission_denied"),
             (404, NO_MODEL, 1, "model_not_found"), (413, {}, 5, "context_window_exceeded")]
    server = start_server(*({"error": dict(more, status=status)} for status, more, _, _ in cases))
    lathe.use(server, wire)
    for count, (status, _, exit_code, code) in enumerate(cases, start=1):
        ran = lathe.fails(exit_code, "exec", "--json", "go")
        error = ran.of_type("error")[-1]
        assert (error["code"], error["retryable"]) == (code, False), status
        assert error["hint"] and f"HTTP {status}" in error["message"]
        if code in ("auth_error", "permission_denied") and wire != "ollama":  # which is used without a key here
            assert "MOCK_KEY" in error["hint"]
        assert "key-of-the-test" not in ran.out + ran.err
        assert ran.of_type("stream_error") == []
        assert len(server.requests()) == count
    assert asked(server, wire)


def test_what_passes_is_tried_again_and_no_call_runs_twice(another_lathe, start_server):
    passing = [{"error": {"status": status, "headers": {"retry-after": "0"}}} for status in (408, 429, 500, 529)]
    odd = {"chunk_bytes": 1, "crlf": True, "keep_alive_every": 1, "empty_choices": True, "bad_bytes": True}
    answers = [*passing, calls(shell("echo one >> effects.txt"), text=["Hé", "llo @. "], **odd),
               {"tool_calls": [shell("echo two >> effects.txt")], "before_end": [{"cut": True}]},
               {"text": ["Hel", {"stall": True}]},
               calls(shell("echo two >> effects.txt")),
               says("Hel", {"cut": True}), says("Hello ", "again.")]

    def tries_again(wire, lathe, server):
        ran = lathe.ok("exec", "--json", "go")
        assert ran.of_type("task_complete")[0]["last_agent_message"] == "Hello again."
        assert ran.of_type("agent_message")[0]["text"] == "Héllo \ufffd. "
        assert (lathe.cwd / "effects.txt").read_text() == "one\ntwo\n"
        failed = [error["code"] for error in ran.of_type("stream_error")]
        assert failed == ["timeout", "rate_limit", "upstream_api_error", "upstream_api_error",
                          "stream_error", "timeout", "stream_error"]
        assert ran.of_type("item_reset")
        assert len(server.requests()) == 10 and asked(server, wire)

    programs = [(wire, another_lathe(wire), start_server(*answers)) for wire in WIRES]
    for wire, lathe, server in programs:
        lathe.use(server, wire)
        lathe.ok("config", "set", "stream-idle-timeout", "3s")
    at_once(tries_again, *programs)


@pytest.mark.parametrize("wire, reason", [("openai", "content_filter"), ("openai-chat", "content_filter"), ("anthropic", "refusal")])
def test_an_answer_that_a_filter_cut_says_so(lathe, start_server, wire, reason):
    lathe.use(start_server(says("Half", finish_reason=reason)), wire)
    ran = lathe.ok("exec", "--json", "go")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "Half"
    assert [(warning["code"], warning["message"]) for warning in ran.of_type("warning")] == [
        ("answer_cut", "the answer was cut by the provider's content filter")]


def test_what_a_new_try_takes_back_is_said(lathe, start_server):
    lathe.use(start_server(says("Hel", {"cut": True}), says("Second.")))
    ran = lathe.ok("exec", "go")
    assert ran.out == "Hel\nSecond.\n"
    assert "what it said before counts no more" in ran.err


# wire, fault, the error's code, how many requests: once; four retries of a request, five of a stream
LASTING = [
    ("openai", {"error": {"status": 429, "headers": {"retry-after": "0"}}}, "rate_limit", 5),
    ("openai-chat", {"error": {"status": 408}}, "timeout", 5),
    ("anthropic", {"error": {"status": 529}}, "upstream_api_error", 5),
    ("ollama", {"error": {"status": 500}}, "upstream_api_error", 5),
    ("openai", {"text": ["Hel", {"stall": True}]}, "timeout", 6),
    ("openai-chat", {"text": ["Hel", {"cut": True}]}, "stream_error", 6),
    ("anthropic", {"text": ["Hel", {"cut": True}]}, "stream_error", 6),
    ("ollama", {"text": ["Hel", {"stall": True}]}, "timeout", 6),
    ("openai-chat", {"before": [{"stall": True}]}, "timeout", 6),
    ("anthropic", {"before": [{"stall": True}]}, "timeout", 6),
]


def test_what_lasts_ends_with_exit_5(another_lathe, start_server):
    def gives_up(wire, lathe, server, fault, code, requests):
        ran = lathe.fails(5, "exec", "--json", "go")
        error = ran.of_type("error")[-1]
        assert (error["code"], error["retryable"]) == (code, True)
        assert [error["attempt"] for error in ran.of_type("stream_error")] == list(range(1, requests))
        assert len(server.requests()) == requests and asked(server, wire)
        if "before" in fault:
            assert "no answer within 1.0s from http://127.0.0.1" in error["message"] and "answer-timeout" in error["hint"]
        if {"stall": True} in fault.get("text", []):
            assert "nothing came for 1.0s from http://127.0.0.1" in error["message"] and "stream-idle-timeout" in error["hint"]
        elif code == "stream_error":
            assert "lathe backend test mock --ask" in error["hint"]
        if "text" in fault:
            message = ran.of_type("agent_message")[-1]
            assert (message["text"], message["status"]) == ("Hel", "incomplete")

    cases = []
    for number, (wire, fault, code, requests) in enumerate(LASTING):
        lathe, server = another_lathe(f"{number}-{wire}"), start_server(dict(fault, repeat=-1))
        lathe.use(server, wire)
        if code == "timeout" and "text" in fault:  # elsewhere a busy machine could make a silence of what is none
            lathe.ok("config", "set", "stream-idle-timeout", "1s")
        if "before" in fault and wire == "anthropic":  # the backend's own, which is the last in the file
            with open(lathe.home / "config.yaml", "a") as config:
                config.write("    answer-timeout: 1s\n")
        elif "before" in fault:
            lathe.ok("config", "set", "answer-timeout", "1s")
        cases.append((wire, lathe, server, fault, code, requests))
    at_once(gives_up, *cases)


@every_wire
def test_garbage_instead_of_a_stream_is_an_error_at_once(lathe, start_server, wire):
    server = start_server({"raw": {"body": "<html>Bad gateway</html>", "content_type": "text/html"}},
                          {"raw": {"body": "<html>Bad gateway</html>"}})
    lathe.use(server, wire)
    for count in (1, 2):
        ran = lathe.fails(5, "exec", "--json", "go")
        assert (ran.of_type("error")[-1]["code"], len(server.requests())) == ("stream_error", count)
        message = ran.of_type("error")[-1]["message"]
        assert "Bad gateway" in message and message.count('backend "mock"') == 1


@pytest.mark.parametrize("refusal", NO_RESPONSES)
def test_responses_falls_back_to_chat_once_per_backend(lathe, start_server, refusal):
    server = start_server({"error": refusal}, calls(shell("true")), says("Over chat."), says("Still chat."))
    lathe.use(server, "openai")
    ran = lathe.ok("exec", "--json", "go")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "Over chat."
    assert [warning["code"] for warning in ran.of_type("warning")] == ["wire_switched"]
    again = lathe.ok("exec", "--json", "go")
    assert again.of_type("task_complete")[0]["last_agent_message"] == "Still chat."
    assert again.of_type("warning") == []
    assert [request["wire"] for request in server.requests()] == ["openai_responses"] + ["openai_chat"] * 3

    other = start_server(says("Over Responses."))  # another place under the same name is asked anew
    lathe.use(other, "openai")
    lathe.ok("exec", "go")
    assert [request["wire"] for request in other.requests()] == ["openai_responses"]


def test_a_model_that_is_not_there_is_no_reason_to_fall_back(lathe, start_server):
    server = start_server({"error": dict(NO_MODEL, status=404)}, says("Over Responses."))
    lathe.use(server, "openai")
    lathe.fails(1, "exec", "go")
    lathe.ok("exec", "go")
    assert [request["wire"] for request in server.requests()] == ["openai_responses"] * 2
