"""Ctrl-C interrupts the Task, with every process that it started."""
import json
import os
import signal

from support import Terminal, calls, says, shell, wait_until

# Leaves a grandchild in a session of its own, the way a stray server would stay.
STRAY = "setsid sh -c 'echo $$ > stray.pid; exec tail -f /dev/null' & echo $$ > shell.pid; tail -f /dev/null"


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pid_in(path):
    return wait_until(lambda: path.exists() and path.read_text().strip(), f"{path.name}")


def test_ctrl_c_kills_the_whole_tree_and_exits_130(lathe, start_server, repository):
    lathe.use(start_server(calls(shell(STRAY)), {"text": "never", "repeat": -1}))
    process = lathe.start("exec", "--json", "start it")
    pids = [pid_in(repository / name) for name in ("shell.pid", "stray.pid")]
    process.send_signal(signal.SIGINT)
    ran = lathe.finish(process)
    assert ran.code == 130, str(ran)
    wait_until(lambda: not any(is_alive(pid) for pid in pids), "the process tree to be gone", 10)
    aborted = [message["type"] for message in ran.messages][-2:]
    assert aborted == ["turn_aborted", "error"]
    assert ran.of_type("turn_aborted")[0]["reason"] == "interrupted"
    assert ran.of_type("error")[0]["code"] == "interrupted"


def test_an_interrupted_answer_is_kept_as_incomplete_and_the_session_goes_on(lathe, start_server):
    server = start_server(says("Half a sen", {"gate": "never"}, "tence"), says("Went on."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "talk")
    server.wait_at_gate("never")
    process.send_signal(signal.SIGINT)
    ran = lathe.finish(process)
    assert ran.code == 130
    message = ran.of_type("agent_message")[0]
    assert (message["text"], message["status"]) == ("Half a sen", "incomplete")
    lathe.ok("exec", "--last", "go on")
    assert "Half a sen" in json.dumps(server.requests()[1]["body"])


def test_every_call_of_an_interrupted_turn_has_a_result(lathe, start_server, repository):
    server = start_server(calls(shell(STRAY), shell("echo second")), says("Went on."))
    lathe.use(server, "anthropic")
    process = lathe.start("exec", "--json", "start it")
    pid_in(repository / "stray.pid")
    process.send_signal(signal.SIGINT)
    assert lathe.finish(process).code == 130
    lathe.ok("exec", "--last", "go on")  # the server refuses a history with an open call


def test_ctrl_c_on_a_terminal(lathe, start_server, repository):
    lathe.use(start_server(calls(shell(STRAY)), {"text": "never", "repeat": -1}))
    terminal = Terminal(lathe, "exec", "start it")
    pid = pid_in(repository / "stray.pid")
    terminal.type("\x03")
    assert terminal.wait() == 130
    wait_until(lambda: not is_alive(pid), "the process tree to be gone", 10)


def test_sigterm_ends_cleanly(lathe, start_server, repository):
    server = start_server(calls(shell(STRAY)), says("Went on."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "start it")
    pid = pid_in(repository / "stray.pid")
    process.terminate()
    assert lathe.finish(process).code != 0
    wait_until(lambda: not is_alive(pid), "the process tree to be gone", 10)
    lathe.ok("exec", "--last", "go on")


def test_a_timed_out_command_keeps_its_partial_output(lathe, start_server):
    server = start_server(calls(shell("echo before; tail -f /dev/null", timeout_ms=1000)), says("Too slow."))
    lathe.use(server)
    ran = lathe.ok("exec", "--json", "try")
    outcome = ran.of_type("exec_command_end")[0]["outcome"]
    assert outcome["status"] == "timed_out" and "before" in outcome["output"]


def test_nothing_survives_a_finished_task(lathe, start_server, repository):
    lathe.use(start_server(calls(shell("setsid tail -f /dev/null >/dev/null 2>&1 & echo $! > stray.pid")), says("Done.")))
    lathe.ok("exec", "leave something")
    pid = int((repository / "stray.pid").read_text())
    wait_until(lambda: not is_alive(pid), "the stray process to be gone", 10)
    assert os.path.exists(repository / "stray.pid")
