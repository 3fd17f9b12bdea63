"""A conversation that reaches 90 % of its model's window is summarised and goes on, in the middle of a long task too. (The
server refuses every request in which a call and its result are torn apart.)"""
import json

import pytest

from support import WIRES, calls, says, shell

WINDOW = 20_000
TOO_LONG = {"error": {"status": 400, "code": "context_length_exceeded", "message": "prompt is too long: maximum context length"}}


RESULT = 2_233  # tokens of what the command of a step prints


def step(number, tokens):
    """A turn that runs a command, after which the context has so many tokens."""
    return calls(shell(f"echo step {number}; seq 1 2000"), usage={"input": tokens - RESULT, "output": 5})


def text_of(request):
    return json.dumps(request["body"])


def asks_for_summary(request):
    return "about to be replaced by a summary" in text_of(request)


@pytest.fixture
def small_window(lathe):
    def use(server, wire="openai"):
        lathe.use(server, wire)
        models = next(lathe.home.rglob("config.yaml")).parent / "models.yaml"
        models.write_text(f"models:\n  mock: {{window: {WINDOW}}}\n")
    return use


@pytest.mark.parametrize("wire", WIRES)
def test_a_long_task_is_compacted_again_and_again(lathe, start_server, small_window, wire):
    server = start_server(
        step(1, 5_000), step(2, 8_000), step(3, 13_000), step(4, 17_900), step(5, 18_100), says("FIRST-SUMMARY"),
        step(6, 9_000), step(7, 17_900), step(8, 18_100), says("SECOND-SUMMARY"), says("Finished."))
    small_window(server, wire)
    ran = lathe.ok("exec", "--json", "Count a lot, please.")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "Finished."
    requests = server.requests()
    assert [index for index, request in enumerate(requests) if asks_for_summary(request)] == [5, 9]
    compacted = ran.of_type("compacted")
    assert len(compacted) == 2 and all(one["tokens_after"] < one["tokens_before"] for one in compacted)
    assert ran.of_type("warning") == []

    assert "step 1" in text_of(requests[5])
    for request in requests[6:]:
        assert "FIRST-SUMMARY" in text_of(request) or "SECOND-SUMMARY" in text_of(request)
        assert "Count a lot, please." in text_of(request)  # what the person said, word for word
        assert "echo step 1;" not in text_of(request)
    assert "FIRST-SUMMARY" in text_of(requests[9])  # the second stands for the first as well
    assert "SECOND-SUMMARY" in text_of(requests[10]) and "echo step 8;" in text_of(requests[10])
    assert all("working folder" in text_of(request) for request in requests)  # facts are told again

    exported = lathe.ok("session", "export", ran.session).out
    for number in range(1, 9):
        assert f"echo step {number};" in exported  # the originals stay


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_a_request_for_the_summary_that_is_too_long_itself_is_made_shorter(lathe, start_server, small_window, wire):
    steps = [step(number, 2_600 * number) for number in range(1, 8)]
    server = start_server(*steps, TOO_LONG, TOO_LONG, says("SUMMARY"), says("Finished."))
    small_window(server, wire)
    ran = lathe.ok("exec", "--json", "Count a lot, please.")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "Finished."
    asked = [request for request in server.requests() if asks_for_summary(request)]
    sizes = [len(text_of(request)) for request in asked]
    assert len(asked) == 3 and sizes[0] > sizes[1] > sizes[2]
    assert "SUMMARY" in text_of(server.requests()[-1])
    assert len(ran.of_type("compacted")) == 1


def test_a_task_that_still_fits_goes_on_without_its_summary(lathe, start_server, small_window):
    server = start_server(step(1, 9_000), step(2, 18_100), says(" "), says("Finished."))
    small_window(server)
    ran = lathe.ok("exec", "--json", "Count.")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "Finished."
    (warning,) = ran.of_type("warning")
    assert warning["code"] == "compaction_failed" and "still fits" in warning["message"]
    assert ran.of_type("compacted") == []


def test_a_task_that_no_longer_fits_ends_by_that(lathe, start_server, small_window):
    server = start_server(step(1, 9_000), step(2, 20_500), says(" "))
    small_window(server)
    ran = lathe.fails(5, "exec", "--json", "Count.")
    error = ran.of_type("error")[-1]
    assert (error["code"], error["retryable"]) == ("context_window_exceeded", False)
    assert "larger window" in error["hint"]
    exported = lathe.ok("session", "export", ran.session).out
    assert "echo step 1;" in exported and "echo step 2;" in exported
