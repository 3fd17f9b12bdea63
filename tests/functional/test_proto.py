"""`lathe proto`: the frames of the protocol over stdin and stdout."""
import json
import signal
import subprocess

import pytest

from frames import ANSWERS, Frames, configure, play, types, user_input
from support import PATIENCE, calls, says, shell

MAX_LINE_BYTES = 32 << 20


def talking(lathe, start_server, repository, proto):
    """A client in the middle of an answer that never goes on: the process and its frames."""
    server = start_server(says("Half a sen", {"gate": "never"}, "tence."))
    lathe.use(server)
    process, frames = proto()
    frames.ask("1", configure(repository))
    frames.ask("2", user_input("talk"))
    server.wait_at_gate("never")
    return process, frames


@pytest.fixture
def proto(lathe):
    """proto() -> (the process, its frames)"""
    started = []

    def start():
        process = lathe.start("proto", stdin=subprocess.PIPE)
        started.append(process)
        return process, Frames.of_process(process)

    yield start
    for process in started:
        process.stdin.close()
        # Whatever a test left unread is of no interest, but it must not stop the program.
        process.stdout.close()
        process.wait(timeout=PATIENCE)
        assert "Sanitizer" not in process.stderr.read().decode()


@pytest.mark.parametrize("flow", ANSWERS)
def test_a_flow_of_the_protocol(lathe, start_server, repository, proto, flow):
    lathe.use(start_server(*ANSWERS[flow]))
    process, frames = proto()
    play(frames, flow, repository)
    frames.close_writing()
    assert frames.rest() == []
    assert process.wait(timeout=PATIENCE) == 0


def test_half_closed_from_the_start_it_answers_and_does_the_task(lathe, start_server, repository):
    lathe.use(start_server(calls(shell("echo ran")), says("Finished.")))
    lines = [{"id": "1", "op": configure(repository)}, {"id": "2", "op": user_input("go")},
             {"id": "3", "call": {"type": "session_list"}}]
    # CRLF between lines, and no newline behind the last.
    ran = lathe.ok("proto", input="\r\n".join(map(json.dumps, lines)))
    answers = {frame["id"]: frame for frame in ran.frames if "msg" not in frame}
    assert sorted(answers) == ["1", "2", "3"]
    assert answers["1"]["ack"]["session"] == ran.session
    assert answers["3"]["reply"]["type"] == "session_list"
    durable = [frame["seq"] for frame in ran.frames if "seq" in frame]
    assert durable == list(range(1, len(durable) + 1))
    assert ran.messages[-1]["type"] == "task_complete"


def test_bad_lines_get_errors_and_a_task_goes_on_beside_them(lathe, start_server, repository, proto):
    server = start_server(says("Half a sen", {"gate": "go"}, "tence."))
    lathe.use(server)
    _, frames = proto()
    for line, id, code in [(b"not JSON", "", "invalid"), (b'["a list"]', "", "invalid"), (b'{"id":1}', "", "invalid"),
                           (b'{"id":"a"}', "a", "invalid"), (b'{"id":"b","op":{"type":"user_input","items":7}}', "b", "invalid"),
                           (b'{"id":"c","op":{"type":"user_inptu","items":[]}}', "c", "unknown_op"),
                           (b'{"id":"d","call":{"type":"session_lsit"}}', "d", "unknown_call"),
                           (b'{"id":"e","op":{"type":"interrupt"}}', "e", "not_configured"),
                           (b'\xff\xfe{"id":"f"}', "", "invalid")]:
        frames.send_bytes(line + b"\n")
        error = frames.answer(id)["error"]
        assert error["code"] == code and error["message"], (line, error)
        if code.startswith("unknown"):
            assert {"c": "user_input", "d": "session_list"}[id] in error["hint"]
    assert "ack" in frames.ask("1", configure(repository))
    assert "ack" in frames.ask("2", user_input("talk"))
    server.wait_at_gate("go")
    frames.send_bytes(b"x" * (MAX_LINE_BYTES + 1) + b"\n")
    error = frames.answer("")["error"]
    assert error["code"] == "limit_exceeded" and str(MAX_LINE_BYTES) in error["message"]
    server.release("go")
    message = frames.until("task_complete")[-1]["msg"]
    assert message["last_agent_message"] == "Half a sentence."


def test_a_line_of_the_full_length_is_taken(lathe, start_server, repository, proto):
    lathe.use(start_server(says("Read.")))
    _, frames = proto()
    line = json.dumps({"id": "1", "op": configure(repository), "unknown": ""}).encode()
    frames.send_bytes(line[:-2] + b"x" * (MAX_LINE_BYTES - len(line)) + line[-2:] + b"\n")
    assert "ack" in frames.answer("1"), "unknown fields are ignored, however long"


@pytest.mark.parametrize("number,code", [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_ends_the_task_and_tells_the_client(lathe, start_server, repository, proto, number, code):
    process, frames = talking(lathe, start_server, repository, proto)
    frames.until("agent_message_delta")
    process.send_signal(number)
    told = frames.rest()
    assert process.wait(timeout=PATIENCE) == code
    message = next(frame["msg"] for frame in told if frame["msg"]["type"] == "agent_message")
    assert (message["text"], message["status"]) == ("Half a sen", "incomplete")
    assert types(told)[-3:] == ["turn_aborted", "error", "shutdown_complete"]


def test_a_client_that_is_gone_ends_it(lathe, start_server, repository, proto):
    process, _ = talking(lathe, start_server, repository, proto)
    process.stdout.close()
    process.stdin.close()
    assert process.wait(timeout=PATIENCE) == 0
