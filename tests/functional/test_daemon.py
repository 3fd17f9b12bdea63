"""`lathe daemon`: its life, its socket, and front ends that work through it."""
import os
import signal
import stat

import pytest

from frames import ANSWERS, configure, connect, play, types, user_input
from support import calls, says, shell, wait_until


def test_it_starts_once_detached_and_private_and_stops(lathe, daemon):
    assert lathe.fails(1, "daemon", "status", "--json").document == {"running": False}
    status = daemon()
    assert daemon()["pid"] == status["pid"], "there is one"
    assert stat.S_IMODE(os.stat(status["socket"]).st_mode) == 0o600
    assert os.getsid(status["pid"]) == status["pid"]
    assert os.readlink(f"/proc/{status['pid']}/fd/0") == "/dev/null"
    assert str(status["pid"]) in lathe.ok("daemon", "logs").out
    refused = lathe.fails(1, "daemon", "start", "--foreground")
    assert str(status["pid"]) in refused.err
    lathe.ok("daemon", "stop")
    assert not os.path.exists(status["socket"])
    assert lathe.fails(1, "daemon", "status", "--json").document == {"running": False}


def test_what_a_killed_one_left_is_taken_over(lathe, daemon):
    first = daemon()
    os.kill(first["pid"], signal.SIGKILL)
    wait_until(lambda: lathe.run("daemon", "status").code == 1, "the end of the daemon")
    assert os.path.exists(first["socket"])
    assert daemon()["pid"] != first["pid"]


@pytest.mark.parametrize("flow", ANSWERS)
def test_a_flow_of_the_protocol(lathe, start_server, repository, daemon, flow):
    lathe.use(start_server(*ANSWERS[flow]))
    frames = connect(daemon())
    play(frames, flow, repository)
    frames.close_writing()
    assert frames.rest() == []


def test_front_ends_work_through_it_as_without(lathe, start_server, daemon):
    lathe.use(start_server(says("One."), says("Two.")))
    daemon()
    through = lathe.ok("exec", "--json", "first")
    assert through.of_type("task_complete")[0]["last_agent_message"] == "One."
    for words in (["session", "list"], ["approvals", "list"], ["session", "list", "--json"]):
        assert lathe.ok(*words).out == lathe.ok(*words, "--embedded").out
    assert lathe.ok("exec", "--last", "second").out == "Two.\n"


def test_sigterm_tells_everyone_and_keeps_everything(lathe, start_server, repository, daemon):
    server = start_server(says("Half a sen", {"gate": "never"}, "tence."))
    lathe.use(server)
    status = daemon()
    frames = connect(status)
    session = frames.ask("1", configure(repository))["ack"]["session"]
    frames.ask("2", user_input("talk"))
    server.wait_at_gate("never")
    frames.until("agent_message_delta")
    os.kill(status["pid"], signal.SIGTERM)
    told = frames.rest()
    assert types(told)[-3:] == ["turn_aborted", "error", "shutdown_complete"]
    wait_until(lambda: lathe.run("daemon", "status").code == 1, "the end of the daemon")
    assert '"status":"incomplete"' in lathe.ok("session", "export", session).out


def test_one_in_the_foreground_ends_well_on_sigterm(lathe, daemon):
    daemon()
    lathe.ok("daemon", "stop")
    process = lathe.start("daemon", "start", "--foreground")
    wait_until(lambda: lathe.run("daemon", "status").code == 0, "the daemon")
    assert os.readlink(f"/proc/{process.pid}/cwd") == "/"
    process.send_signal(signal.SIGTERM)
    ran = lathe.finish(process)
    assert ran.code == 0 and "SIGTERM" in ran.err, str(ran)


def test_who_has_closed_his_side_answers_no_question(lathe, start_server, repository, daemon):
    lathe.use(start_server(calls(shell("cat greeting.txt", sandbox_permissions="require_escalated", justification="so"))))
    frames = connect(daemon())
    frames.ask("1", configure(repository, ask="client"))
    frames.ask("2", user_input("go"))
    frames.close_writing()
    told = types(frames.rest())
    assert "exec_approval_request" in told and "task_parked" in told


def test_it_ends_when_nobody_needs_it(lathe, daemon):
    lathe.ok("daemon", "start", env={"LATHE_DAEMON_IDLE_EXIT": "200ms"})
    pid = lathe.ok("daemon", "status", "--json").document["pid"]
    # Who asks for its status is a client of it.
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the end of the daemon")
    assert lathe.run("daemon", "status").code == 1
