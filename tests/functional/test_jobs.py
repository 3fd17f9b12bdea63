"""Background jobs and live terminals: they outlive the call, the model is told of their end, nothing outlives the session."""
import json
import re
import signal
import subprocess

from frames import Frames, configure, user_input
from support import PATIENCE, Terminal, calls, gate, in_a_session, says, shell, tool, wait_until

from test_exec_interrupt import is_alive, pid_in, tree_below


def job_of(ran):
    return next(message["job"] for message in ran.of_type("exec_command_begin") if message.get("job"))


def pushed(lathe, start_server, repository, script):
    """The run, and what the model was sent, of a job that ends while another command holds its Turn open."""
    script = f"until test -e go; do sleep 0.01; done; {script}"
    server = start_server(calls(shell(script, background=True)), calls(shell("touch go; until test -e seen; do sleep 0.01; done")),
                          calls(shell("true")), says("Done."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "go")

    # The second command holds the Turn open until the job's end is in the journal.
    wait_until(lambda: in_a_session(lathe.home, "journal.ndjson", '"job_end"'), "the job's end in the journal")
    (repository / "seen").touch()
    ran = lathe.finish(process)
    assert ran.code == 0, str(ran)
    return ran, json.dumps(server.requests()[2]["body"])


def test_the_end_of_a_job_is_pushed_before_the_next_turn(lathe, start_server, repository):
    ran, sent = pushed(lathe, start_server, repository, "echo finished; exit 3")
    job = job_of(ran)
    end = ran.of_type("job_end")
    assert [(e["job"], e["state"], e["exit_code"], e["tail"]) for e in end] == [(job, "exited", 3, "finished\n")]
    told = [m for m in ran.of_type("context_added") if m["item"] == job]
    assert len(told) == 1
    assert told[0]["text"].startswith(f"Job {job} ended: exit code 3.")
    assert "ended: exit code 3" in sent


def test_the_end_of_a_job_says_what_the_jail_refused(lathe, start_server, repository):
    ran, sent = pushed(lathe, start_server, repository, "echo evil > .git/hooks/post-checkout")
    (end,) = ran.of_type("job_end")
    assert "post-checkout" in end["refused"]
    (told,) = [m for m in ran.of_type("context_added") if m["item"] == end["job"]]
    assert f"The sandbox may have refused it: {end['refused']}\n" in told["text"] and "require_escalated" in told["text"]
    assert "require_escalated" in sent


def test_jobs_end_with_exec_and_it_says_so(lathe, start_server, repository):
    script = "setsid sh -c 'echo $$ > stray.pid; exec tail -f /dev/null' & echo $$ > shell.pid; wait"
    server = start_server(calls(shell(script, background=True)), says({"gate": "end"}, "Left it running."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "go")
    pids = [pid_in(repository / name) for name in ("shell.pid", "stray.pid")]
    tree = tree_below(process.pid)
    assert set(pids) < set(tree), "there is a keeper around them"
    server.release("end")
    ran = lathe.finish(process)
    assert ran.code == 0, str(ran)
    assert not [pid for pid in tree if is_alive(pid)]
    assert f"ending background job {job_of(ran)}" in ran.err
    exported = lathe.ok("session", "export", ran.session).out
    assert '"state":"killed"' in exported


def test_a_command_that_outlived_its_lathe_is_one_job_until_it_ends(lathe, start_server, repository):
    server = start_server(calls(shell("echo $$ > shell.pid; tail -f /dev/null")), says("I see."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "go")
    pid = pid_in(repository / "shell.pid")
    process.kill()
    session = lathe.finish(process).session
    again = lathe.ok("exec", "--resume", session, "go on")
    shown = lathe.ok("session", "show", session).out
    job = re.search(r"goes on as (job_\w+)", shown)[1]
    assert f"ending background job {job}" in again.err
    assert "may or may not" not in again.err and "outcome unknown" not in shown
    assert not is_alive(pid)


def test_the_model_is_told_with_the_next_input_that_its_job_is_gone(lathe, start_server):
    server = start_server(calls(shell("tail -f /dev/null", background=True)), says("Left it running."), says("I see."))
    lathe.use(server)
    first = lathe.ok("exec", "--json", "go")
    lathe.ok("exec", "--resume", first.session, "go on")
    assert f"Job {job_of(first)} ended: it was killed" in json.dumps(server.requests()[2]["body"])


def test_an_interrupt_kills_foreground_commands_only(lathe, start_server, repository):
    server = start_server(calls(shell("echo $$ > job.pid; exec tail -f /dev/null", background=True)),
                          calls(shell("echo $$ > shell.pid; exec tail -f /dev/null")), says("Went on."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("start it\r")
    job, command = (pid_in(repository / name) for name in ("job.pid", "shell.pid"))
    terminal.type("\x03")
    wait_until(lambda: not is_alive(command), "the command to be gone", 10)
    assert is_alive(job)
    tree = tree_below(terminal.process.pid)
    assert job in tree
    terminal.type("\x04")
    terminal.wait()
    assert not [pid for pid in tree if is_alive(pid)]


def test_typing_into_a_live_terminal(lathe, start_server, repository):
    # The model cannot know the job's name before it is given one; what it types is added while a command waits.
    server = start_server(calls(shell("read line; echo got $line; exit 5", tty=True, yield_time_ms=250)),
                          calls(shell("until test -e go; do sleep 0.01; done")))
    lathe.use(server)
    process = lathe.start("exec", "--json", "go")
    server.wait_for_requests(2)
    text = json.dumps(server.requests()[1]["body"])
    job = re.search(r"(job_\w{6}) is running", text)[1]
    server.add(calls(tool("write_stdin", job=job, chars="word\n", yield_time_ms=30000)))
    server.add(says("Done."))
    (repository / "go").touch()
    ran = lathe.finish(process)
    assert ran.code == 0, str(ran)
    assert [m["exit_code"] for m in ran.of_type("job_end")] == [5]
    typed = [m["call_id"] for m in ran.of_type("exec_command_begin") if m["command"] == ["write_stdin", job, "word\n"]]
    output = [m["outcome"]["output"] for m in ran.of_type("exec_command_end") if m["call_id"] in typed]
    assert output and output[0].startswith(f"Job {job} ended: exit code 5") and "got word" in output[0]
    assert not [m for m in ran.of_type("context_added") if m["item"] == job], "the call told it already"


def test_a_client_types_into_a_live_terminal_and_tells_its_size(lathe, start_server, repository):
    script = ("trap 'stty size > size.txt' WINCH; read -r line; echo got $line > typed.txt; "
              "until test -e size.txt; do sleep 0.02; done; until test -e go; do sleep 0.02; done")
    server = start_server(calls(shell(script, tty=True, yield_time_ms=250)), calls(shell("until test -e go; do sleep 0.01; done")),
                          says("Done."))
    lathe.use(server)
    process = lathe.start("proto", stdin=subprocess.PIPE)
    frames = Frames.of_process(process)
    frames.ask("1", configure(repository))
    frames.ask("2", user_input("go"))
    server.wait_for_requests(2)
    job = re.search(r"(job_\w{6}) is running", json.dumps(server.requests()[1]["body"]))[1]
    assert "ack" in frames.ask("3", {"type": "terminal_input", "job": job, "text": "word\n"})
    wait_until(lambda: (repository / "typed.txt").exists() and (repository / "typed.txt").read_text() == "got word\n", "what was typed")
    for size in ({"columns": 0, "rows": 45}, {"columns": 123, "rows": -1}, {"columns": 123, "rows": 65_536}):
        assert frames.ask(json.dumps(size), {"type": "terminal_resize", "job": job, **size})["error"]["code"] == "invalid"
    assert "ack" in frames.ask("4", {"type": "terminal_resize", "job": job, "columns": 123, "rows": 45})
    wait_until(lambda: (repository / "size.txt").exists() and (repository / "size.txt").read_text() == "45 123\n", "the size told")
    assert "job_000000" in frames.ask("5", {"type": "terminal_input", "job": "job_000000", "text": "x"})["error"]["message"]
    (repository / "go").touch()
    frames.until("task_complete")
    frames.close_writing()
    frames.rest()
    assert process.wait(timeout=PATIENCE) == 0


def left_behind(lathe, start_server, repository):
    """The server and the session of a run that was killed; its job plants a protected name once the file `go` is there.
    The run after it waits at gate "looked"."""
    script = ("echo $$ > shell.pid; until test -e go; do sleep 0.01; done; mkdir .vscode; echo evil > .vscode/tasks.json; "
              "touch made; sleep 600")
    server = start_server(calls(shell(script, background=True)), says(gate("killed"), "Never."),
                          says(gate("looked"), "Done."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "go")
    server.wait_at_gate("killed")
    pid_in(repository / "shell.pid")
    process.send_signal(signal.SIGKILL)
    session = lathe.finish(process).session
    server.release("killed")
    return server, session


def assert_told(lathe, session, name):
    """A warning names it: in the journal, as the Task may end between what is put aside and the word of it."""
    messages = [json.loads(line)["msg"] for line in lathe.ok("session", "export", session).out.splitlines()]
    assert [m for m in messages if m["type"] == "warning" and name in m["message"]]


def test_a_job_that_is_taken_over_is_guarded_at_once(lathe, start_server, repository):
    """Nothing runs in the session that comes after: the job alone has to be looked after."""
    server, session = left_behind(lathe, start_server, repository)
    again = lathe.start("exec", "--json", "--resume", session, "go on")
    server.wait_at_gate("looked")
    (repository / "go").touch()
    wait_until((repository / "made").exists, "the job to make it")
    wait_until(lambda: not (repository / ".vscode").exists(), "what the job made to be put aside")
    server.release("looked")
    lathe.finish(again)
    assert_told(lathe, session, ".vscode")


def test_what_a_job_makes_while_nobody_is_there_is_found_by_who_takes_it_over(lathe, start_server, repository):
    """What counts is what was there before the job, not what the next process finds."""
    server, session = left_behind(lathe, start_server, repository)
    (repository / "go").touch()
    wait_until((repository / "made").exists, "the job to make it")
    assert (repository / ".vscode").exists()
    again = lathe.start("exec", "--json", "--resume", session, "go on")
    server.wait_at_gate("looked")
    wait_until(lambda: not (repository / ".vscode").exists(), "what the job made to be put aside")
    server.release("looked")
    lathe.finish(again)
    assert_told(lathe, session, ".vscode")
    assert [path for path in lathe.home.rglob("*.names")] == [], "nothing runs any more"


def test_killed_in_the_middle_of_a_command_no_byte_is_lost(lathe, start_server, repository):
    script = "echo $$ > shell.pid; until test -e go; do sleep 0.01; done; seq 1 20000; echo last"
    server = start_server(calls(shell(script)), says("I see."), says("And now."))
    lathe.use(server)
    process = lathe.start("exec", "--json", "go")
    pid = pid_in(repository / "shell.pid")
    process.send_signal(signal.SIGKILL)
    ran = lathe.finish(process)
    (repository / "go").touch()
    wait_until(lambda: not is_alive(pid), "the command to end with nobody there")
    again = lathe.ok("exec", "--json", "--resume", ran.session, "go on")
    exported = [json.loads(line)["msg"] for line in lathe.ok("session", "export", ran.session).out.splitlines()]
    ends = [m for m in exported if m["type"] == "exec_command_end"]
    assert len(ends) == 1
    assert ends[0]["outcome"]["status"] == "completed" and ends[0]["exit_code"] == 0
    assert "went on to its end" in json.dumps(server.requests()[1]["body"])
    blob = ends[0]["outcome"]["output_blob"]
    stored = next(path for path in lathe.home.rglob("*") if path.is_file() and path.name.endswith(blob[4:]))
    assert stored.read_text() == "".join(f"{i}\n" for i in range(1, 20001)) + "last\n"
    assert again.code == 0
