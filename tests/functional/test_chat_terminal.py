"""`lathe chat` on a terminal: turns, commands, the input line, the editor, and leaving."""
import json
import os
import re
import stat

import pytest

from support import Terminal, calls, gate, says, shell, wait_until


def asked(server):
    """What the person said last in every request, oldest request first: not what Lathe tells beside it."""
    texts = []
    for request in server.requests():
        said = ["".join(part.get("text", "") for part in item["content"])
                for item in request["body"]["input"] if item.get("role") == "user"]
        texts.append([text for text in said if not text.startswith(("<environment>", "The newest message before"))][-1])
    return texts


@pytest.fixture
def editor(lathe, tmp_path):
    """editor(script) -> the value of EDITOR: a shell script that gets the file as $1."""
    def make(script):
        path = tmp_path / "editor"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)
    return make


def test_a_conversation(lathe, start_server):
    server = start_server(says("Good ", "morning."), says("Good night."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("hello\r")
    terminal.expect("Good morning.")
    terminal.type("bye\r")
    terminal.expect("Good night.")
    terminal.type("/usage\r")
    terminal.expect("20 tokens in, 10 out")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    assert len(server.requests()) == 2
    assert server.control("prefix_breaks") == []
    session = lathe.ok("session", "list", "--json").document["sessions"][0]["session_id"]
    assert f"lathe chat --resume {session}" in terminal.text


def test_ctrl_c_interrupts_the_answer_and_keeps_the_chat(lathe, start_server):
    server = start_server(says("Half", gate("never")), says("Here again."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("hello\r")
    server.wait_at_gate("never")
    terminal.type("\x03")
    terminal.expect("interrupted")
    terminal.type("again\r")
    terminal.expect("Here again.")
    terminal.type("\x04")
    assert terminal.wait() == 0


def test_ctrl_c_twice_during_a_task_leaves(lathe, start_server):
    server = start_server(says("Half", gate("never")))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("hello\r")
    server.wait_at_gate("never")
    terminal.type("\x03")
    terminal.expect("Ctrl-C again on an empty line leaves")
    terminal.type("\x03")
    assert terminal.wait() == 0


def test_ctrl_c_clears_the_line_and_twice_on_an_empty_one_leaves(lathe, start_server):
    server = start_server()
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.expect("Ctrl-D leaves")
    terminal.type("never said")
    terminal.expect("never said")
    terminal.type("\x03")
    terminal.expect("Ctrl-C again on an empty line leaves")
    terminal.type("\x03")
    assert terminal.wait() == 0
    assert server.requests() == []


def test_another_model_from_the_next_task_on(lathe, start_server):
    server = start_server(says("One."), says("Two."), says("Three."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("first\r")
    terminal.expect("One.")
    terminal.type("/model\r")
    terminal.expect("/model needs a name")
    terminal.type("/model other\r")
    terminal.expect("model is now mock/other")
    terminal.type("second\r")
    terminal.expect("Two.")
    terminal.type("/model mok/other\r")
    terminal.expect("mock")
    terminal.type("third\r")
    terminal.expect("Three.")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    assert [request["body"]["model"] for request in server.requests()] == ["mock", "other", "other"]


def test_compacting_by_hand(lathe, start_server):
    server = start_server(says("A long story. " * 200), says("They told a story."), says("And on."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("tell\r")
    terminal.expect("tokens in")
    terminal.type("/compact\r")
    terminal.expect("conversation compacted")
    terminal.type("more\r")
    terminal.expect("And on.")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    last = json.dumps(server.requests()[-1]["body"])
    assert "They told a story." in last and "A long story." not in last


def test_a_mistyped_command_is_not_said_to_the_model(lathe, start_server):
    server = start_server(says("I know the folder."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("/usgae\r")
    terminal.expect('did you mean "/usage"?')
    terminal.type("/help\r")
    for name in ("/compact", "/model", "/usage", "/edit", "/quit"):
        terminal.expect(name)
    terminal.type("/usr/bin is what?\r")
    terminal.expect("I know the folder.")
    terminal.type("/exit\r")
    assert terminal.wait() == 0
    assert asked(server) == ["/usr/bin is what?"]


@pytest.mark.parametrize("typed,said", [
    ("one\\\rtwo\r", "one\ntwo"),
    ('"""\rone\r\rtwo\r"""\r', "one\n\ntwo"),
    ("one\x1b\rtwo\r", "one\ntwo"),
    ("\x1b[200~one\rtwo\x1b[201~\r", "one\ntwo"),
    ("wrold\x1b[D\x1b[D\x1b[D\x7f\x05\x01hello \x05!\r", "hello wold!"),
    ("h\u00e9llo \u65e5\u672c\x7f\r", "h\u00e9llo \u65e5"),
])
def test_lines_and_keys(lathe, start_server, typed, said):
    server = start_server(says("Understood."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.expect("Ctrl-D leaves")
    terminal.type(typed)
    terminal.expect("Understood.")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    assert asked(server) == [said]


def test_history_outlives_the_chat(lathe, start_server):
    server = start_server({"text": "Yes.", "repeat": -1})
    lathe.use(server)
    for typed in ("first question\r", "second question\r"):
        terminal = Terminal(lathe, "chat")
        terminal.type(typed)
        terminal.expect("tokens in")
        terminal.type("\x04")
        assert terminal.wait() == 0
    terminal = Terminal(lathe, "chat")
    terminal.expect("Ctrl-D leaves")
    terminal.type("\x1b[A\x1b[A again\r")
    terminal.expect("tokens in")
    terminal.type("\x04")
    assert terminal.wait() == 0
    assert asked(server)[-1] == "first question again"
    (history,) = lathe.home.rglob("chat_history")
    assert history.stat().st_mode & 0o077 == 0


def test_the_first_message_is_written_in_the_editor(lathe, start_server, editor, tmp_path):
    server = start_server(says("Read."), says("Read too."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat", "-e", TMPDIR=str(tmp_path),
                        EDITOR=editor("printf 'from the\\neditor\\n' > \"$1\""))
    terminal.expect("Read.")
    terminal.type("/edit\r")
    terminal.expect("Read too.")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    assert asked(server) == ["from the\neditor"] * 2
    assert not [name for name in os.listdir(tmp_path) if name.startswith("lathe-message-")]


def test_an_editor_that_fails_or_writes_nothing_says_nothing(lathe, start_server, editor):
    server = start_server(says("Here."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat", "-e", EDITOR="/nonexistent/editor")
    terminal.expect("editor ended with exit code 127")
    terminal.type("are you there\r")
    terminal.expect("Here.")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    terminal = Terminal(lathe, "chat", "-e", EDITOR=editor("true"))
    terminal.expect("nothing was written")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    assert asked(server) == ["are you there"]


def test_ctrl_c_in_the_editor_is_the_editors(lathe, start_server, editor, tmp_path):
    server = start_server(says("Read."))
    lathe.use(server)
    done = tmp_path / "done"
    script = f"trap 'echo caught' INT; echo editing; until [ -e {done} ]; do sleep 0.1; done; echo text > \"$1\""
    terminal = Terminal(lathe, "chat", "-e", EDITOR=editor(script))
    terminal.expect("editing")
    for times in (1, 2):
        terminal.type("\x03")
        wait_until(lambda: terminal._read(0.1) and False or terminal.text.count("caught") >= times, "the editor's Ctrl-C")
    done.touch()
    terminal.expect("Read.")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    assert asked(server) == ["text"]


def test_what_is_typed_while_a_task_runs_reaches_it(lathe, start_server):
    server = start_server(calls(shell("true"), before=[gate("hold")]), says("Both heard."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("start\r")
    server.wait_at_gate("hold")
    terminal.type("and this\r")
    terminal.expect("» and this")
    server.release("hold")
    terminal.expect("Both heard.")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    assert asked(server)[-1] == "and this"


def test_a_chat_goes_on_later(lathe, start_server):
    server = start_server(says("Blue."), says("You said blue."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("a colour\r")
    terminal.expect("Blue.")
    terminal.type("\x04")
    assert terminal.wait() == 0
    session = re.search(r"--resume (\S+)", terminal.text)[1]
    terminal = Terminal(lathe, "chat", "--resume", session)
    terminal.type("which was it\r")
    terminal.expect("You said blue.")
    terminal.type("\x04")
    assert terminal.wait() == 0
    assert "Blue." in json.dumps(server.requests()[-1]["body"])
