"""`lathe daemon restart`: one daemon takes the place of another, and what runs goes on."""
import itertools
import json
import os
import select
import subprocess
import threading

import pytest

from frames import configure, connect, types, user_input
from support import PATIENCE, calls, gate, says, shell, wait_until


def records(lathe, session):
    return [json.loads(line)["msg"] for line in lathe.ok("session", "export", session).out.splitlines()]


def of_type(messages, name):
    return [message for message in messages if message["type"] == name]


def status(lathe):
    return lathe.ok("daemon", "status", "--json").document


def wait_for_hand_over(status, repository):
    """Until that daemon takes nothing new."""
    frames = connect(status)
    ids = itertools.count()
    wait_until(lambda: "error" in frames.ask(f"op-{next(ids)}", configure(repository)), "the daemon to hand over")


class Reader:
    """Keeps the frames of a front end while it runs."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def messages(self):
        return [line["msg"] for line in list(self.lines) if "msg" in line]

    def wait_for(self, name):
        wait_until(lambda: of_type(self.messages(), name), f"{name}")

    def finish(self):
        code = self.process.wait(timeout=PATIENCE)
        self._thread.join(timeout=PATIENCE)
        err = self.process.stderr.read().decode()
        assert "Sanitizer" not in err, err
        return code, err


def test_a_task_and_a_job_go_on(lathe, start_server, repository, daemon):
    """The job writes a line whenever it is told to, before, during and after; the Task is in a Turn when the restart comes."""
    job = "echo line 1; until test -e go2; do sleep 0.01; done; echo line 2; until test -e go3; do sleep 0.01; done; echo line 3"
    server = start_server(calls(shell(job, background=True)), calls(shell("echo one >> ran"), before=[gate("turn")]),
                          calls(shell("echo two >> ran; umask")), calls(shell("until test -e go4; do sleep 0.01; done")),
                          says("Done."))
    lathe.use(server)
    old = daemon()
    exec_argv = lathe.argv
    lathe.argv = lambda args: ["/bin/sh", "-c", 'umask 027; exec "$@"', "sh", *exec_argv(args)]
    front_end = Reader(lathe.start("exec", "--json", "go"))
    lathe.argv = exec_argv
    server.wait_at_gate("turn")
    restart = lathe.start("daemon", "restart")
    wait_for_hand_over(old, repository)
    server.release("turn")
    restarted = lathe.finish(restart)
    assert restarted.code == 0, str(restarted)
    assert status(lathe)["pid"] != old["pid"]
    (repository / "go2").touch()
    wait_until(lambda: len(server.requests()) >= 4, "the Task to go on")
    (repository / "go3").touch()
    front_end.wait_for("job_end")
    (repository / "go4").touch()
    code, err = front_end.finish()
    assert code == 0, err
    shown = front_end.messages()
    session = next(line["session"] for line in front_end.lines if "session" in line)
    assert (repository / "ran").read_text() == "one\ntwo\n", "each call ran once"
    assert len(server.requests()) == 5
    kept = records(lathe, session)
    durable = [line for line in front_end.lines if "seq" in line]
    first, last = durable[0]["seq"], durable[-1]["seq"]
    assert [line["seq"] for line in durable] == list(range(first, last + 1)), "the front end was shown every record once"
    assert kept[first - 1:last] == [line["msg"] for line in durable]
    (parked,) = of_type(kept, "task_parked")
    assert parked["handed_over"] and parked["questions"] == []
    assert len(of_type(kept, "task_resumed")) == len(of_type(kept, "task_complete")) == 1
    assert of_type(shown, "task_complete")[0]["last_agent_message"] == "Done."
    assert "0027" in "".join(end["outcome"]["output"] for end in of_type(kept, "exec_command_end"))
    (end,) = of_type(kept, "job_end")
    assert (end["state"], end["exit_code"]) == ("exited", 0)
    assert end["tail"] == "line 1\nline 2\nline 3\n"


def test_a_job_goes_on_where_no_task_runs(lathe, start_server, repository, daemon):
    job = "for i in 1 2 3; do echo line $i; until test -e go$i; do sleep 0.01; done; done"
    lathe.use(start_server(calls(shell(job, background=True)), says("Begun."), says("Seen.")))
    first = daemon()
    (repository / "go1").touch()
    ran = lathe.ok("exec", "--json", "go")
    lathe.ok("daemon", "restart")
    second = status(lathe)
    assert second["pid"] != first["pid"]
    assert [session["session_id"] for session in second["sessions"]] == [ran.session], "it has the job"
    for name in ("go2", "go3"):
        (repository / name).touch()
    wait_until(lambda: of_type(records(lathe, ran.session), "job_end"), "the end of the job")
    (end,) = of_type(records(lathe, ran.session), "job_end")
    assert (end["state"], end["exit_code"], end["tail"]) == ("exited", 0, "line 1\nline 2\nline 3\n")


def test_whoever_is_attached_stays_attached(lathe, start_server, repository, daemon):
    """Between two Tasks as well: what is said next reaches the new daemon."""
    lathe.use(start_server(says("One."), says("Two.")))
    daemon()
    session = lathe.ok("exec", "--json", "first").session
    attached = lathe.start("attach", session, stdin=subprocess.PIPE)
    seen = b""
    while b"One." not in seen:
        assert select.select([attached.stdout], [], [], PATIENCE)[0]
        seen += os.read(attached.stdout.fileno(), 65536)
    lathe.ok("daemon", "restart")
    out, err = attached.communicate(b"second\n", timeout=PATIENCE)
    assert attached.returncode == 0 and b"Two." in out, (out, err)


def test_what_lacks_its_key_says_so(lathe, start_server, repository, daemon):
    """The key was lent by one client, and the Task is of another that lends nothing, so that it is not handed on."""
    server = start_server(says("One.", before=[gate("turn")]), says("Two."))
    lathe.use(server)
    old = daemon()
    lender = connect(old)
    lender.ask("hello", call={"type": "hello", "client": "test", "environment": ["MOCK_KEY=key-of-the-test"]})
    frames = connect(old)
    session = frames.ask("1", configure(repository))["ack"]["session"]
    frames.ask("2", user_input("go"))
    server.wait_at_gate("turn")
    frames.ask("3", user_input("more", if_busy="steer"))
    restart = lathe.start("daemon", "restart", env={"MOCK_KEY": None})
    wait_for_hand_over(old, repository)
    server.release("turn")
    told = frames.rest()
    assert types(told)[-1] == "shutdown_complete" and told[-1]["msg"]["handed_over"]
    assert lathe.finish(restart).code == 0
    # Nobody lends the new one a key by looking.
    looker = connect(lathe.ok("daemon", "status", "--json", env={"MOCK_KEY": None}).document)
    assert "reply" in looker.ask("look", call={"type": "session_subscribe", "session": session, "since": 0})
    kept = [event["msg"] for _ in range(2) for event in looker.until("task_parked")]
    (warning,) = [m for m in of_type(kept, "warning") if m["code"] == "not_continued"]
    assert "MOCK_KEY" in warning["message"]
    # Whoever has the key goes on with it.
    assert lathe.ok("session", "resume", session).out == "Two.\n"


@pytest.mark.parametrize("how", ["restart", "stop"])
def test_a_daemon_that_runs_nothing(lathe, daemon, how):
    old = daemon()
    lathe.ok("daemon", how)
    assert lathe.run("daemon", "status").code == (0 if how == "restart" else 1)
    assert how == "stop" or status(lathe)["pid"] != old["pid"]
