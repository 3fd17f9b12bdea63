"""One session goes on at other providers, and is forked from an older Turn there: the conversation is the same, what
only one provider can read goes back to that one alone."""
import json

import pytest

from support import calls, read_file, says


@pytest.fixture
def three(lathe, start_server):
    """A server under three backends: openai, claude and local."""
    def begin(*answers):
        server = start_server(*answers)
        lathe.variables["MOCK_KEY"] = "key-of-the-test"
        for name, wire, url in (("openai", "openai", f"{server.url}/v1"), ("claude", "anthropic", server.url),
                                ("local", "ollama", server.url)):
            key = [] if wire == "ollama" else ["--api-key-env", "MOCK_KEY"]
            lathe.ok("backend", "add", name, "--type", wire, "--url", url, *key)
        lathe.ok("config", "set", "default-backend", "openai")
        lathe.ok("config", "set", "default-model", "mock")
        return server
    return begin


def body(server, index):
    request = server.requests()[index]
    return request["wire"], json.dumps(request["body"])


def test_a_session_goes_from_wire_to_wire_and_back(lathe, three):
    server = three(
        calls(read_file("greeting.txt"), reasoning="Look first.", reasoning_opaque="opaque-of-openai"),
        says("It greets."),
        says("Claude agrees.", reasoning="Hm.", reasoning_opaque="signature-of-claude"),
        says("Claude again."),
        says("Local, too."),
        says("Back."))
    session = lathe.ok("exec", "--json", "what is in greeting.txt?").session
    for backend in ("claude", "claude", "local", "openai"):
        lathe.ok("session", "resume", session, "--model", f"{backend}/mock", "and you?")

    wires = [request["wire"] for request in server.requests()]
    assert wires == ["openai_responses"] * 2 + ["anthropic"] * 2 + ["ollama", "openai_responses"]
    for index in range(1, 6):  # the call and its result are there on every wire
        _, text = body(server, index)
        assert "greeting.txt" in text and "world" in text, index
    for index in (1, 5):
        assert "opaque-of-openai" in body(server, index)[1], "goes back to the provider that made it"
    for index in (2, 3, 4):
        assert "opaque-of-openai" not in body(server, index)[1] and "Look first." not in body(server, index)[1], index
    assert "signature-of-claude" in body(server, 3)[1]
    for index in (4, 5):
        assert "signature-of-claude" not in body(server, index)[1] and "Claude agrees." in body(server, index)[1], index
    assert "Local, too." in body(server, 5)[1]


@pytest.mark.parametrize("backend,wire", [("claude", "anthropic"), ("local", "ollama")])
def test_a_fork_of_an_older_turn_goes_on_elsewhere(lathe, three, backend, wire):
    server = three(
        calls(read_file("greeting.txt"), reasoning="Look first.", reasoning_opaque="opaque-of-openai"),
        says("It greets."), says("Something else."), says("From the fork."), says("The first one goes on."))
    ran = lathe.ok("exec", "--json", "what is in greeting.txt?")
    turns = [turn["response_id"] for turn in ran.of_type("turn_complete")]
    lathe.ok("session", "resume", ran.session, "go on")

    fork = lathe.ok("session", "fork", ran.session, "--at", turns[1]).out.strip()
    forked = lathe.ok("session", "resume", fork, "--json", "--model", f"{backend}/mock", "and you?")
    assert forked.of_type("task_complete")[0]["last_agent_message"] == "From the fork."
    used, text = body(server, 3)
    assert used == wire
    assert "It greets." in text and "world" in text and "Something else." not in text
    assert "opaque-of-openai" not in text

    lathe.ok("session", "resume", ran.session, "one more")
    used, text = body(server, 4)
    assert used == "openai_responses"
    assert "Something else." in text and "From the fork." not in text and "opaque-of-openai" in text


def test_a_fork_in_the_middle_of_a_task_has_its_calls_with_results(lathe, three):
    server = three(calls(read_file("greeting.txt")), says("It greets."), says("From the fork."))
    ran = lathe.ok("exec", "--json", "what is in greeting.txt?")
    first = ran.of_type("turn_complete")[0]["response_id"]
    fork = lathe.ok("session", "fork", ran.session, "--at", first).out.strip()
    lathe.ok("session", "resume", fork, "--model", "claude/mock", "and you?")
    used, text = body(server, 2)
    assert used == "anthropic" and "world" in text and "It greets." not in text


def test_a_session_stays_at_its_backend_and_says_when_that_is_gone(lathe, three):
    server = three(says("One."), says("Two."), says("Three."))
    session = lathe.ok("exec", "--json", "--model", "local/mock", "hello").session
    lathe.ok("config", "set", "default-backend", "claude")
    lathe.ok("session", "resume", session, "and?")
    lathe.ok("backend", "remove", "local")
    lathe.ok("backend", "add", "locale", "--type", "ollama", "--url", server.url)
    ran = lathe.run("session", "resume", session, "and?")
    assert ran.code != 0 and len(server.requests()) == 2, str(ran)
    for words in ('no backend "local", which this session uses', 'did you mean "locale"?', "--backend NAME"):
        assert words in ran.err, str(ran)
    lathe.ok("session", "resume", session, "--backend", "locale", "--model", "mock", "and?")
    assert [request["wire"] for request in server.requests()] == ["ollama"] * 3
