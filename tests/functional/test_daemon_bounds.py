"""What one client, or the end of the daemon, may cost the others."""
import os
import signal
import socket

import pytest

from frames import configure, connect, types, user_input
from support import LONG_FORMS, PATIENCE, calls, says, shell, wait_until
from test_daemon_tcp import Client, WebSocketFrames, token_of

PLACES, OF_ONE_PEER = 400, 300
LIST = {"type": "session_list"}


def take_place(status):
    """A client that was let in; nothing where there is no place."""
    frames = connect(status)
    try:
        frames.send("1", call=LIST)
        return frames if "reply" in frames.next() else None
    except OSError:  # turned away meanwhile
        return None


def take_place_over_tcp(address):
    client = Client(address)
    try:
        return client if client.ask("GET", "/health")[0] == 200 else None
    except OSError:  # turned away meanwhile
        return None


def test_more_connections_than_there_are_places(lathe, listen):
    address = listen()
    status = lathe.ok("daemon", "status", "--json").document
    first = connect(status)
    assert "reply" in first.ask("1", call=LIST)
    # Those that asked for the status may be about to leave.
    others = [wait_until(lambda: take_place(status), "a place") for _ in range(OF_ONE_PEER - 1)]
    for one in others[:50]:
        one.send_bytes(b'{"id":')  # and never the rest
    told = [connect(status).next()["error"] for _ in range(10_000 if LONG_FORMS else 100)]
    assert {error["code"] for error in told} == {"limit_exceeded"}
    assert f"process {os.getpid()} has {OF_ONE_PEER} connections already" in told[0]["message"]
    assert "reply" in first.ask("2", call=LIST)
    assert lathe.ok("session", "list", "--json").document["sessions"] == [], "the other places are for others"

    over_tcp = [wait_until(lambda: take_place_over_tcp(address), "a place") for _ in range(PLACES - OF_ONE_PEER)]
    with socket.create_connection(address, timeout=PATIENCE) as one_more:
        answer = one_more.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 503 ") and b"400 clients are connected already" in answer
    for one in others + over_tcp:
        one.connection.close()
    wait_until(lambda: take_place(status), "a place")


def test_a_line_that_comes_byte_by_byte_holds_up_nobody(daemon):
    status = daemon()
    slow, other = connect(status), connect(status)
    for number, byte in enumerate(b'{"id":"slow","call":{"type":"session_list"}}\n'):
        slow.send_bytes(bytes([byte]))
        assert "reply" in other.ask(str(number), call=LIST)
    assert "reply" in slow.answer("slow")


def test_who_never_reads_costs_the_others_nothing(lathe, start_server, repository, daemon):
    lathe.use(start_server(says({"text": "word " * 20, "times": 20_000 if LONG_FORMS else 4_000})))
    status = daemon()
    frames = connect(status)
    session = frames.ask("1", configure(repository))["ack"]["session"]
    deaf = connect(status)
    deaf.send("1", call={"type": "session_subscribe", "session": session, "since": 0})
    wait_until(lambda: "reply" in connect(status).ask("1", call=LIST), "the daemon to have read that")
    frames.ask("2", user_input("talk"))
    assert "task_complete" in types(frames.until("task_complete"))
    deaf.connection.close()


@pytest.mark.parametrize("wire", ["frames", "agentruntime"])
def test_sigterm_waits_for_no_client_and_no_command(lathe, start_server, repository, listen, wire):
    stubborn = "trap '' TERM INT HUP; touch started; (trap '' TERM INT HUP; setsid tail -f /dev/null) & exec tail -f /dev/null"
    lathe.use(start_server(calls(shell(stubborn))))
    address = listen()
    status = lathe.ok("daemon", "status", "--json").document
    frames = connect(status)
    session = frames.ask("1", configure(repository))["ack"]["session"]
    frames.ask("2", user_input("go"))
    path = "/v1/connect" if wire == "frames" else f"/ws/sessions/{session}?since=0"
    # None of these reads on, answers a goodbye, or closes.
    web_socket = WebSocketFrames(address, path, token_of(lathe))
    assert web_socket.status == 101
    half = socket.create_connection(address, timeout=PATIENCE)
    half.sendall(b"POST /v1/calls/session_list HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n{")
    silent = socket.create_connection(address, timeout=PATIENCE)
    wait_until((repository / "started").exists, "the command")
    os.kill(status["pid"], signal.SIGTERM)
    assert types(frames.rest())[-3:] == ["turn_aborted", "error", "shutdown_complete"]
    wait_until(lambda: lathe.run("daemon", "status").code == 1, "the end of the daemon")
    assert '"msg":"stopped"' in (lathe.home / "state/daemon.log").read_text().splitlines()[-1]
    assert '"type":"exec_command_end"' in lathe.ok("session", "export", session).out
    for connection in (web_socket.connection, half, silent):
        connection.close()
