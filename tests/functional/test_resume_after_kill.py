"""kill -9 in the middle: what was shown is there, what ran is not run again, and the session goes on."""
import json
import os
import signal

from frames import configure, connect, user_input
from support import calls, in_a_session, says, shell

from test_exec_interrupt import is_alive, pid_in, wait_until


def test_killed_while_the_model_answers(lathe, start_server):
    server = start_server(calls(shell("echo once >> effects.txt")), says("Half", {"gate": "never"}), says("Went on."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "go")
    server.wait_at_gate("never")
    process.kill()
    ran = lathe.finish(process)
    shown = ran.session
    assert lathe.ok("session", "list", "--json").document["sessions"][0]["state"] == "interrupted"
    again = lathe.ok("exec", "--json", "--resume", shown, "go on")
    assert again.session == shown
    assert (lathe.cwd / "effects.txt").read_text() == "once\n"
    assert "once" not in again.out.replace("echo once", "")


def test_killed_while_a_command_runs(lathe, start_server, repository):
    command = "echo started >> effects.txt; echo $$ > shell.pid; tail -f /dev/null"
    server = start_server(calls(shell(command)), says("I see."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "go")
    pid = pid_in(repository / "shell.pid")
    process.kill()
    ran = lathe.finish(process)
    wait_until(lambda: not is_alive(pid), "the command to die with its lathe", 10)
    again = lathe.ok("exec", "--json", "--resume", ran.session, "go on")
    assert (repository / "effects.txt").read_text() == "started\n"
    told = json.dumps(server.requests()[1]["body"])
    assert "interrupted" in told or "unknown" in told
    end = [message for message in again.messages if message["type"] == "exec_command_end"]
    assert not end or end[0]["outcome"]["status"] == "interrupted"
    states = [json.loads(line)["msg"] for line in lathe.ok("session", "export", ran.session).out.splitlines()]
    ends = [message for message in states if message["type"] == "exec_command_end"]
    assert [message["outcome"]["status"] for message in ends] == ["interrupted"]


def test_everything_shown_is_in_the_export(lathe, start_server):
    server = start_server(calls(shell("echo one")), calls(shell("echo two")), says("Half", {"gate": "never"}))
    lathe.use(server)
    process = lathe.start("exec", "--json", "go")
    server.wait_at_gate("never")
    process.kill()
    ran = lathe.finish(process)
    lines = [line for line in ran.out.splitlines() if line.endswith("}")]
    durable = [line for line in lines if '"seq"' in line]
    exported = lathe.ok("session", "export", ran.session).out.splitlines()
    assert exported[:len(durable)] == durable


def test_text_that_was_shown_before_a_stall_is_told_after_the_kill(lathe, start_server):
    lathe.use(start_server(says("Half", {"gate": "never"}), says("Went on.")))
    process = lathe.start("exec", "--json", "go")
    wait_until(lambda: in_a_session(lathe.home, "draft.ndjson", "Half"), "the draft to be on disk", 10)
    process.kill()
    ran = lathe.finish(process)
    lathe.ok("exec", "--json", "--resume", ran.session, "go on")
    exported = [json.loads(line)["msg"] for line in lathe.ok("session", "export", ran.session).out.splitlines()]
    assert [told["text"] for told in exported if told["type"] == "agent_message"] == ["Half", "Went on."]


def test_text_that_was_in_no_draft_yet_is_told_as_missing(lathe, start_server):
    server = start_server(says("Half", {"gate": "never"}), says("Went on."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "go")
    server.wait_at_gate("never")
    process.kill()
    session = lathe.finish(process).session
    lathe.ok("exec", "--resume", session, "go on")
    for words in (["show"], ["export", "--format", "md"]):
        assert "text that was shown may be missing here" in lathe.ok("session", *words, session).out
    assert "its last two seconds missing though the user saw them" in json.dumps(server.requests()[1]["body"])


def test_a_question_outlives_the_daemon_and_its_answer_by_op_lets_the_task_go_on(lathe, start_server, repository, daemon):
    lathe.use(start_server(calls(shell("echo ran >> effects.txt")), says("Finished.")))
    status = daemon()
    frames = connect(status)
    session = frames.ask("1", configure(repository, approval_policy="untrusted"))["ack"]["session"]
    frames.ask("2", user_input("go"))
    question = frames.until("exec_approval_request")[-1]["msg"]["id"]
    os.kill(status["pid"], signal.SIGKILL)
    wait_until(lambda: lathe.run("daemon", "status").code == 1, "the end of the daemon")
    frames = connect(daemon())

    def state():
        return lathe.ok("session", "list", "--json").document["sessions"][0]["state"]

    assert state() == "parked"
    frames.ask("1", call={"type": "session_subscribe", "session": session, "since": -1})
    assert state() == "parked"
    assert "ack" in frames.ask("2", {"type": "exec_approval", "id": question, "decision": "approved"}, session=session)
    assert frames.until("task_complete")[-1]["msg"]["last_agent_message"] == "Finished."
    assert (repository / "effects.txt").read_text() == "ran\n"
