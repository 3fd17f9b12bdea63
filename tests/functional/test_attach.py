"""`lathe attach` and `lathe watch`: a session that works for another client is seen, steered and left from anywhere."""
import os
import select
import signal
import subprocess

from frames import Frames, configure, connect, user_input
from support import PATIENCE, Terminal, calls, gate, in_a_session, says, shell, wait_until


def begin(frames, repository, text="start"):
    """Makes a session, whose Task it starts."""
    session = frames.ask("1", configure(repository))["ack"]["session"]
    assert "ack" in frames.ask("2", user_input(text))
    return session


def attach(lathe, session, *options):
    """Without a terminal; stdin stays open."""
    return lathe.start("attach", session, *options, stdin=subprocess.PIPE)


def type_line(process, line):
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()


def read_until(process, text):
    """What stdout said until that text, which is its end so far."""
    seen = b""
    while text.encode() not in seen:
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        more = os.read(process.stdout.fileno(), 1 << 16) if ready else b""
        assert more, f"expected {text!r} after {seen!r}"
        seen += more
    return seen.decode()


def test_two_see_the_same_and_either_starts_a_task(lathe, start_server, daemon):
    lathe.use(start_server(says("First."), says("Second."), says("Third.")))
    daemon()
    session = lathe.ok("exec", "--json", "one").session
    other = attach(lathe, session)
    assert read_until(other, "First.\n") == "First.\n"
    ran = lathe.ok("attach", session, input="two\n")
    assert ran.out == "First.\nSecond.\n"
    assert "› one" in ran.err and "› two" in ran.err
    assert read_until(other, "Second.\n") == "Second.\n"
    type_line(other, "three")
    assert read_until(other, "Third.\n") == "Third.\n"
    ended = lathe.finish(other)
    assert ended.code == 0 and ended.out == "", str(ended)
    assert "› two" in ended.err and "› three" in ended.err


def test_exec_in_a_session_at_work_steers_its_task(lathe, start_server, daemon):
    server = start_server(says("A ", gate("hold"), "beginning."), says("Both are done."))
    lathe.use(server)
    daemon()
    first = lathe.start("exec", "--json", "begin")
    server.wait_at_gate("hold")
    for words in (["exec", "--last", "--model", "mock", "and this"], ["chat", "--last"]):
        refused = lathe.fails(5, *words, input="and this\n")
        assert "a task runs in session" in refused.err and "lathe attach" in refused.err, str(refused)
    second = lathe.start("exec", "--last", "and this")
    wait_until(lambda: in_a_session(lathe.home, "journal.ndjson", '"and this"'), "the second message in the journal")
    server.release("hold")
    ran = lathe.finish(first)
    assert ran.code == 0 and ran.of_type("turn_aborted") == [], str(ran)
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "Both are done."
    other = lathe.finish(second)
    assert other.code == 0 and other.out == "A beginning.\nBoth are done.\n", str(other)
    assert "a task runs in session" in other.err
    assert len(server.requests()) == 2 and "and this" in str(server.requests()[1]["body"])


def test_only_what_comes_after_a_record(lathe, start_server, daemon):
    lathe.use(start_server(says("First."), says("Second."), says("Third.")))
    daemon()
    first = lathe.ok("exec", "--json", "one")
    (seq,) = [frame["seq"] for frame in first.frames if frame["msg"]["type"] == "task_complete"]
    lathe.ok("exec", "--last", "two")
    assert lathe.ok("attach", "last", "--since", str(seq)).out == "Second.\n"
    assert lathe.ok("attach", "last", "--no-replay").out == ""
    assert lathe.ok("attach", "last", "--no-replay", input="three\n").out == "Third.\n"
    assert "--no-replay" in lathe.fails(1, "attach", "last", "--since", "1", "--no-replay").err
    assert "nowhere" in lathe.fails(1, "attach", "nowhere").err


def test_steering_reaches_the_task_of_another_client(lathe, start_server, repository, daemon):
    server = start_server(calls(shell("true"), before=[gate("hold")]), says("Both heard."))
    lathe.use(server)
    frames = connect(daemon())
    session = begin(frames, repository)
    server.wait_at_gate("hold")
    process = attach(lathe, session)
    type_line(process, "/steer and this")
    while not frames.until("user_message")[-1]["msg"].get("steer"):
        pass
    server.release("hold")
    ran = lathe.finish(process)
    assert ran.code == 0 and ran.out == "Both heard.\n", str(ran)
    assert "» and this" in ran.err
    assert "and this" in str(server.requests()[-1]["body"])
    idle = lathe.ok("attach", session, input="/steer more\n/intrerupt\n")
    assert "no task runs that could be steered" in idle.err and 'did you mean "/interrupt"?' in idle.err
    assert len(server.requests()) == 2


def test_the_interrupt_of_one_ends_the_task_for_all(lathe, start_server, repository, daemon):
    server = start_server(says("Half", gate("never")))
    lathe.use(server)
    frames = connect(daemon())
    session = begin(frames, repository)
    server.wait_at_gate("never")
    process = attach(lathe, session)
    type_line(process, "/interrupt")
    assert frames.until("turn_aborted")[-1]["msg"]["reason"] == "interrupted"
    assert lathe.finish(process).code == 130


def test_ctrl_c_interrupts_and_the_next_one_detaches(lathe, start_server, repository, daemon):
    server = start_server(says("Half", gate("never")), says("Here again."))
    lathe.use(server)
    frames = connect(daemon())
    session = begin(frames, repository)
    server.wait_at_gate("never")
    terminal = Terminal(lathe, "attach", session)
    terminal.expect("Ctrl-C to stop")
    terminal.type("\x03")
    frames.until("turn_aborted")
    terminal.expect("interrupted")
    terminal.type("again\r")
    terminal.expect("Here again.")
    terminal.expect("tool calls")
    terminal.type("\x03")
    terminal.expect("Ctrl-C again detaches")
    terminal.type("\x03")
    assert terminal.wait() == 0
    assert f"lathe attach {session}" in terminal.text


def test_a_task_goes_on_when_one_detaches(lathe, start_server, repository, daemon):
    server = start_server(says("Half", gate("hold"), " and whole."))
    lathe.use(server)
    frames = connect(daemon())
    session = begin(frames, repository)
    server.wait_at_gate("hold")
    terminal = Terminal(lathe, "attach", session)
    terminal.expect("Half")
    terminal.type("\x04")
    assert terminal.wait() == 0
    process = attach(lathe, session)
    read_until(process, "Half")
    process.terminate()
    assert lathe.finish(process).code == 0
    server.release("hold")
    assert frames.until("task_complete", "error")[-1]["msg"].get("last_agent_message") == "Half and whole."


def test_a_question_that_one_answers_is_settled_for_the_other(lathe, start_server, repository, daemon):
    lathe.use(start_server(calls(shell("cat greeting.txt", sandbox_permissions="require_escalated", justification="so")),
                           says("It was read.")))
    frames = connect(daemon())
    session = frames.ask("1", configure(repository, ask="client"))["ack"]["session"]
    both = [Terminal(lathe, "attach", session) for _ in range(2)]
    for terminal in both:
        terminal.expect("Ctrl-D detaches")
    frames.ask("2", user_input("go"))
    for terminal in both:
        terminal.expect("end the task: ")
    both[1].type("y")
    for terminal in both:
        terminal.expect("approved (by")
        terminal.expect("It was read.")
        terminal.expect("tool call,")
        terminal.type("\x04")
        assert terminal.wait() == 0
    assert len([event for event in frames.until("task_complete") if event["msg"]["type"] == "approval_resolved"]) == 1


def test_what_a_parked_task_asked_before_is_asked_again_and_it_goes_on(lathe, start_server, repository, daemon):
    lathe.use(start_server(calls(shell("echo ran >> effects.txt")), says("Finished.")))
    lathe.ok("config", "set", "approval-policy", "untrusted")
    daemon()
    session = lathe.fails(4, "exec", "--json", "--ask", "wait", "run it").session
    terminal = Terminal(lathe, "attach", session, "--no-replay")
    terminal.expect("end the task: ")
    terminal.type("y")
    terminal.expect("Finished.")
    terminal.type("\x04")
    assert terminal.wait() == 0
    assert (repository / "effects.txt").read_text() == "ran\n"


def test_whether_an_answer_comes_late_is_for_the_engine_to_say(lathe, start_server, repository, daemon):
    (lathe.home / "policies").mkdir(parents=True)
    (lathe.home / "policies/mine.yaml").write_text("rules: [{command: echo, decision: ask, timeout: 1ms}]\n")
    lathe.use(start_server(calls(shell("echo ran >> effects.txt"))))
    daemon()
    session = lathe.fails(4, "exec", "--json", "--ask", "wait", "run it").session
    terminal = Terminal(lathe, "attach", session, "--no-replay")
    terminal.expect("end the task: ")
    terminal.type("y")
    terminal.expect("has expired, so the answer is no")
    terminal.type("\x04")
    assert terminal.wait() == 0
    assert lathe.ok("approvals", "list", "--json").document["questions"] == []
    assert not (repository / "effects.txt").exists()


def test_who_claims_a_session_drives_it_alone(lathe, start_server, repository, daemon):
    lathe.use(start_server(says("First."), says("Second.")))
    frames = connect(daemon())
    session = begin(frames, repository)
    frames.until("task_complete")
    terminal = Terminal(lathe, "attach", session, "--claim")
    terminal.expect("Ctrl-D detaches")
    refused = frames.ask("3", user_input("mine"))["error"]
    assert refused["code"] == "claimed" and f"session {session} is claimed by " in refused["message"]
    assert "claimed by" in lathe.ok("attach", session).err
    assert "claimed by" in lathe.fails(5, "attach", session, "--claim").err
    terminal.type("\x04")
    assert terminal.wait() == 0
    assert "ack" in frames.ask("4", user_input("mine"))
    assert frames.until("task_complete")[-1]["msg"]["last_agent_message"] == "Second."


def test_watch_tells_of_every_session_and_of_what_changes(lathe, start_server, daemon):
    lathe.use(start_server(says("One."), says("Two.")))
    daemon()
    first = lathe.ok("exec", "--json", "an old matter").session
    process = lathe.start("watch", "--json")
    seen = Frames(process.stdout.fileno(), None, None)
    assert seen.next()["session"]["session_id"] == first
    second = lathe.ok("exec", "--json", "a new matter").session
    told = seen.next()["session"]
    while (told["state"], told["tasks"]) != ("idle", 1):
        told = seen.next()["session"]
    assert (told["session_id"], told["title"]) == (second, "a new matter")
    process.send_signal(signal.SIGINT)
    assert lathe.finish(process).code == 0

    process = lathe.start("watch")
    lines = read_until(process, "a new matter\n").splitlines()
    assert [line.split()[1] for line in lines] == [first[:13], second[:13]]
    assert all(" idle " in line for line in lines)
    process.send_signal(signal.SIGINT)
    assert lathe.finish(process).code == 0


def test_watch_tells_only_of_what_nobody_looked_at(lathe, start_server, daemon):
    lathe.use(start_server(says("Done.", repeat=-1)))
    daemon()
    lathe.ok("session", "mark-read", lathe.ok("exec", "--json", "an old matter").session)
    process = lathe.start("watch", "--unread", "--json")
    seen = Frames(process.stdout.fileno(), None, None)
    session = lathe.ok("exec", "--json", "a new matter").session
    told = seen.next()["session"]
    assert (told["session_id"], told["unread"]) == (session, True)
    lathe.ok("session", "mark-read", session)
    while told.get("unread"):
        told = seen.next()["session"]
    assert told["session_id"] == session
    process.send_signal(signal.SIGINT)
    assert lathe.finish(process).code == 0

    process = lathe.start("watch", "--unread")
    session = lathe.ok("exec", "--json", "the newest matter").session
    (line,) = read_until(process, "the newest matter\n").splitlines()
    assert line.split()[1] == session[:13]
    process.send_signal(signal.SIGINT)
    assert lathe.finish(process).code == 0

    terminal = Terminal(lathe, "watch", "--unread")
    terminal.expect("the newest matter")
    before = len(terminal.text)
    lathe.ok("session", "mark-read", "--all")
    terminal.expect_one_of("nothing unread", after=before)
    terminal.type("\x03")
    assert terminal.wait() == 0


def test_watch_goes_on_with_the_daemon_that_takes_the_place(lathe, start_server, daemon):
    lathe.use(start_server(says("One."), says("Two.")))
    daemon()
    lathe.ok("exec", "an old matter")
    process = lathe.start("watch")
    read_until(process, "an old matter\n")
    lathe.ok("daemon", "restart")
    lathe.ok("exec", "a new matter")
    read_until(process, "a new matter\n")
    process.send_signal(signal.SIGINT)
    assert lathe.finish(process).code == 0


def test_watch_says_that_the_daemon_ended_without_a_word(lathe, start_server, daemon):
    lathe.use(start_server(says("One.")))
    status = daemon()
    lathe.ok("exec", "a matter")
    process = lathe.start("watch")
    read_until(process, "a matter\n")
    os.kill(status["pid"], signal.SIGKILL)
    ended = lathe.finish(process)
    assert ended.code == 5 and "it ended without a word" in ended.err, str(ended)


def test_watch_repaints_a_line_per_session_on_a_terminal(lathe, start_server, daemon):
    lathe.use(start_server(says("One.")))
    daemon()
    terminal = Terminal(lathe, "watch")
    terminal.expect("no sessions yet")
    lathe.ok("exec", "a new matter")
    terminal.expect("a new matter")
    terminal.type("\x03")
    assert terminal.wait() == 0
