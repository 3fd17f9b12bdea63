"""Ctrl-C interrupts the Task, with every process that it started."""
import json
import os
import pathlib
import signal

from support import Terminal, calls, says, shell, wait_until

# Leaves a grandchild in a session of its own, the way a stray server would stay.
STRAY = "setsid sh -c 'echo $$ > stray.pid; exec tail -f /dev/null' & echo $$ > shell.pid; tail -f /dev/null"


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def own_pid(process):
    """The pid in the innermost PID namespace, which is what the process takes for its own."""
    for line in (process / "status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return line.split()[-1]
    return None


def processes():
    return [pathlib.Path("/proc", name) for name in os.listdir("/proc") if name.isdigit()]


def pid_in(path):
    """The pid that a command wrote into a file of its working folder, as it is out here: a jail counts anew. The command
    is alive and stays so until it is found."""
    def found():
        written = path.read_text().strip() if path.exists() else ""
        for process in processes() if written else []:
            try:
                if own_pid(process) == written and os.path.samefile(process / "cwd", path.parent):
                    return int(process.name)
            except OSError:  # it ended meanwhile, or is somebody else's
                continue
        return None
    return wait_until(found, f"the process of {path.name}")


def tree_below(pid):
    """All that a process started and its offspring started: the jail's own processes too."""
    children = {}
    for process in processes():
        try:
            stat = (process / "stat").read_text()
        except OSError:
            continue
        children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(process.name))
    tree = list(children.get(pid, []))
    for child in tree:
        tree += children.get(child, [])
    return tree


def test_ctrl_c_kills_the_whole_tree_and_exits_130(lathe, start_server, repository):
    lathe.use(start_server(calls(shell(STRAY)), {"text": "never", "repeat": -1}))
    process = lathe.start("exec", "--json", "start it")
    pids = [pid_in(repository / name) for name in ("shell.pid", "stray.pid")]
    tree = tree_below(process.pid)
    assert set(pids) < set(tree), "there is a keeper around them"
    process.send_signal(signal.SIGINT)
    ran = lathe.finish(process)
    assert ran.code == 130, str(ran)
    assert not [pid for pid in tree if is_alive(pid)]
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
    tree = tree_below(terminal.process.pid)
    assert pid in tree
    terminal.type("\x03")
    assert terminal.wait() == 130
    assert not [pid for pid in tree if is_alive(pid)]


def test_sigterm_ends_cleanly(lathe, start_server, repository):
    server = start_server(calls(shell(STRAY)), says("Went on."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "start it")
    pid = pid_in(repository / "stray.pid")
    tree = tree_below(process.pid)
    assert pid in tree
    process.terminate()
    assert lathe.finish(process).code != 0
    assert not [pid for pid in tree if is_alive(pid)]
    lathe.ok("exec", "--last", "go on")


def test_a_timed_out_command_keeps_its_partial_output(lathe, start_server):
    server = start_server(calls(shell("echo before; tail -f /dev/null", timeout_ms=1000)), says("Too slow."))
    lathe.use(server)
    ran = lathe.ok("exec", "--json", "try")
    outcome = ran.of_type("exec_command_end")[0]["outcome"]
    assert outcome["status"] == "timed_out" and "before" in outcome["output"]


def test_nothing_survives_a_finished_task(lathe, start_server, repository):
    command = "setsid tail -f /dev/null >/dev/null 2>&1 & echo $! > stray.pid; until test -e go; do sleep 0.01; done"
    server = start_server(calls(shell(command)), says({"gate": "done"}, "Done."))
    lathe.use(server)
    process = lathe.start("exec", "leave something")
    stray = pid_in(repository / "stray.pid")
    (repository / "go").touch()
    server.wait_at_gate("done")
    assert not is_alive(stray), "it ended with its command"
    tree = tree_below(process.pid)
    assert tree, "the keeper waits for the next command"
    server.release("done")
    assert lathe.finish(process).code == 0
    assert not [pid for pid in tree if is_alive(pid)]
