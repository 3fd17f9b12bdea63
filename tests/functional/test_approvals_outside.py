"""A command that the sandbox stopped is offered to the person who is there, with what was refused, to run outside."""
import json

import pytest

from support import Terminal, calls, says, shell


def records(lathe):
    (session,) = lathe.ok("session", "list", "--json").document["sessions"]
    return [json.loads(line)["msg"] for line in lathe.ok("session", "export", session["session_id"]).out.splitlines()]


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def attended(lathe, start_server, policy, *answers):
    server = start_server(*answers)
    lathe.use(server)
    lathe.ok("config", "set", "approval-policy", policy)
    terminal = Terminal(lathe, "exec", "run it")
    if policy == "untrusted":
        terminal.expect("May this command run?")
        terminal.expect("[y] once")
        terminal.type("y")
    return server, terminal


def say_yes(lathe, terminal, outside):
    """To the offer; the command then ran a second time, outside, and had its effect."""
    terminal.expect("end the task: ")
    terminal.type("y")
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert (outside / "effects.txt").read_text() == "ran\n"
    assert (lathe.cwd / "tries.txt").read_text() == "tried\ntried\n", "once inside, once outside"


@pytest.mark.parametrize("policy", ["on-request", "untrusted"])
def test_a_write_outside_is_offered_and_runs_there(lathe, start_server, outside, policy):
    server, terminal = attended(lathe, start_server, policy,
                                calls(shell(f"echo tried >> tries.txt; echo ran >> {outside}/effects.txt")), says("Finished."))
    terminal.expect("OUTSIDE the sandbox")
    terminal.expect(f"the sandbox refused: ")
    terminal.expect(f"{outside}/effects.txt")
    say_yes(lathe, terminal, outside)
    kept = records(lathe)
    begun = [record["sandbox"] for record in kept if record["type"] == "exec_command_begin"]
    assert begun[0] != "none" and begun[1:] == ["none"]
    (end,) = [record for record in kept if record["type"] == "exec_command_end"]
    assert end["exit_code"] == 0 and "a person then let it run outside" in end["outcome"]["output"]
    (asked,) = [record for record in kept if record["type"] == "exec_approval_request" and record.get("outside_sandbox")]
    assert "effects.txt" in asked["refused"]


def test_a_protected_file_is_offered_and_a_no_is_told(lathe, start_server, repository):
    server, terminal = attended(lathe, start_server, "on-request",
                                calls(shell("echo evil > .git/hooks/post-checkout")), says("Finished."))
    terminal.expect("OUTSIDE the sandbox")
    terminal.expect("Read-only file system")
    terminal.expect("end the task: ")
    terminal.type("n")
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert not (repository / ".git/hooks/post-checkout").exists()
    assert "said no" in json.dumps(server.requests()[1]["body"])


def test_a_background_job_is_offered_while_its_call_waits(lathe, start_server, outside):
    server, terminal = attended(lathe, start_server, "on-request",
                                calls(shell(f"echo tried >> tries.txt; echo ran >> {outside}/effects.txt", background=True,
                                            yield_time_ms=30000)), says("Finished."))
    terminal.expect("OUTSIDE the sandbox")
    terminal.expect(f"{outside}/effects.txt")
    say_yes(lathe, terminal, outside)
    kept = records(lathe)
    begun = [record for record in kept if record["type"] == "exec_command_begin"]
    assert begun[0]["sandbox"] != "none" and [record["sandbox"] for record in begun[1:]] == ["none"]
    assert {record["job"] for record in kept if record["type"] == "job_end"} == {record["job"] for record in begun}
    assert f"Job {begun[0]['job']} ended in the sandbox" in json.dumps(server.requests()[1]["body"])
    assert not [record for record in kept if record["type"] == "context_added" and "ended" in record["text"]], "told once"


def test_the_network_is_offered_too(lathe, start_server):
    knock = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
    _, terminal = attended(lathe, start_server, "on-request",
                           calls(shell(f'echo tried >> tries.txt; python3 -c "{knock}"')), says("Finished."))
    terminal.expect("OUTSIDE the sandbox")
    terminal.expect("Network is unreachable")
    terminal.expect("end the task: ")
    terminal.type("y")
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert (lathe.cwd / "tries.txt").read_text() == "tried\ntried\n"


def test_for_the_session_the_same_command_is_not_offered_again(lathe, start_server, outside):
    again = calls(shell(f"echo ran >> {outside}/effects.txt"))
    _, terminal = attended(lathe, start_server, "on-request", again, again, says("Finished."))
    terminal.expect("OUTSIDE the sandbox")
    terminal.expect("end the task: ")
    terminal.type("s")
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert (outside / "effects.txt").read_text() == "ran\nran\n"


@pytest.mark.parametrize("words", [["--approval-policy", "never"], ["--ask", "deny"], ["--ask", "wait"]],
                         ids=["never", "nobody there", "nobody there yet"])
def test_nobody_is_offered_anything(lathe, start_server, outside, words):
    server = start_server(calls(shell(f"echo ran >> {outside}/effects.txt")), says("Finished."))
    lathe.use(server)
    lathe.ok("exec", *words, "run it")
    assert not (outside / "effects.txt").exists()
    assert not [record for record in records(lathe) if record["type"] == "exec_approval_request"]
    # Whether there is such a folder outside is not for the command to know.
    assert "may have refused" not in json.dumps(server.requests()[1]["body"])
