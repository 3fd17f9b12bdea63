"""`lathe exec` on a terminal: spinner and time, colours, rendered Markdown and diffs; and what a poorer terminal gets."""
import re

import pytest

from support import Terminal, apply_patch, calls, gate, says, shell

MARKDOWN = "# Report\n\nIt is **done** and `tested`:\n\n- first\n- second\n\n```c\nint main;\n```\n"
PATCH = "*** Begin Patch\n*** Update File: greeting.txt\n hello\n-world\n+moon\n*** End Patch\n"
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
COLOUR = r"\x1b\[[\d;]*m"


def row_with(terminal, text):
    """The bytes of the last line that shows `text`, escape sequences in it: earlier ones may be of an unfinished block."""
    for line in reversed(re.split(r"\r\n|\n|\r", terminal.screen)):
        if text in re.sub(COLOUR, "", line):
            return line
    raise AssertionError(f"no line with {text!r}:\n{terminal.text}")


def last_rows(screen, columns=100):
    """What stays on the screen: a small terminal that knows what the program uses (CR, LF, cursor up, column, erase)."""
    rows, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", screen):
        if token == "\r":
            column = 0
        elif token == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif token.endswith("A") and token.startswith("\x1b"):
            row -= int(token[2:-1] or 1)
        elif token.endswith("G") and token.startswith("\x1b"):
            column = int(token[2:-1] or 1) - 1
        elif token == "\x1b[K":
            rows[row] = rows[row][:column]
        elif token == "\x1b[J":
            rows[row] = rows[row][:column]
            del rows[row + 1:]
        elif not token.startswith("\x1b"):
            rows[row] = rows[row][:column].ljust(column) + token + rows[row][column + len(token):]
            column += len(token)
    return [text.rstrip() for text in rows]


def test_a_spinner_with_the_time_turns_while_the_model_is_silent(lathe, start_server):
    server = start_server(says(gate("hold"), "Here."))
    lathe.use(server)
    terminal = Terminal(lathe, "exec", "go")
    server.wait_at_gate("hold")
    terminal.expect("1s · Ctrl-C to stop")
    assert "waiting for the model" in terminal.text
    assert sum(frame in terminal.screen for frame in SPINNER) >= 3
    server.release("hold")
    assert terminal.wait() == 0
    left = "\n".join(last_rows(terminal.screen))
    assert "Here." in left and "Ctrl-C" not in left
    assert not any(frame in left for frame in SPINNER)


def test_markdown_is_rendered_in_colours(lathe, start_server):
    lathe.use(start_server(says(*[MARKDOWN[at:at + 7] for at in range(0, len(MARKDOWN), 7)])))
    terminal = Terminal(lathe, "exec", "go")
    assert terminal.wait() == 0
    text = "\n".join(last_rows(terminal.screen))
    assert "Report" in text and "It is done and tested:" in text and "int main;" in text
    assert "**" not in text and "`" not in text and "# Report" not in text
    assert "\x1b[1mdone" in terminal.screen
    assert re.search(COLOUR, row_with(terminal, "Report"))


@pytest.mark.parametrize("command", [["exec", "go"], ["chat"]])
@pytest.mark.parametrize("before,after", [("", "."), ("First.\n\n", "."), ("```text\n", "\n```\n")])
def test_an_answer_shows_before_its_block_is_complete(lathe, start_server, command, before, after):
    words = [f"word{number}" for number in range(60)]
    opening = [before] if before else []
    server = start_server(says(*opening, *[word + " " for word in words], gate("middle"), "end" + after))
    lathe.use(server)
    terminal = Terminal(lathe, *command)
    if command == ["chat"]:
        terminal.type("go\r")
    server.wait_at_gate("middle")
    terminal.expect(words[-1])
    shown = "\n".join(last_rows(terminal.screen)).split()
    assert [word for word in shown if word in words] == words and "end" + after.strip("\n`") not in shown
    server.release("middle")
    terminal.expect("tokens in")
    if command == ["chat"]:
        terminal.type("/quit\r")
    assert terminal.wait() == 0
    left = "\n".join(last_rows(terminal.screen)).split()
    assert [word for word in left if word in words] == words and "end" + after.strip("\n`") in left
    assert "```text" not in left


def test_of_an_unfinished_block_higher_than_the_terminal_the_newest_rows_show(lathe, start_server):
    lines = [f"line{number}" for number in range(200)]
    server = start_server(says("```\n", "\n".join(lines), gate("middle"), "\n```\n"))
    lathe.use(server)
    terminal = Terminal(lathe, "exec", "go", rows=30)
    server.wait_at_gate("middle")
    terminal.expect(lines[-1])
    shown = "\n".join(last_rows(terminal.screen)).split()
    assert 20 < len([line for line in shown if line in lines]) < 30
    server.release("middle")
    assert terminal.wait() == 0
    left = "\n".join(last_rows(terminal.screen)).split()
    assert [line for line in left if line in lines] == lines


def test_diffs_are_highlighted(lathe, start_server):
    lathe.use(start_server(calls(apply_patch(PATCH)), calls(shell("false")), says("Patched.")))
    terminal = Terminal(lathe, "exec", "go")
    assert terminal.wait() == 0
    assert "\x1b[32m" in row_with(terminal, "+moon") and "\x1b[31m" in row_with(terminal, "-world")
    assert "\x1b[31m" in row_with(terminal, "exit 1")
    assert "edit greeting.txt" in terminal.text


def test_no_color_takes_colours_and_leaves_the_layout(lathe, start_server):
    lathe.use(start_server(calls(apply_patch(PATCH)), says(MARKDOWN)))
    terminal = Terminal(lathe, "exec", "go", NO_COLOR="1")
    assert terminal.wait() == 0
    assert re.findall(COLOUR, terminal.screen) == []
    assert "**" not in "\n".join(last_rows(terminal.screen)) and "+moon" in terminal.text


@pytest.mark.parametrize("term", ["dumb", None])
def test_a_terminal_that_can_nothing_gets_plain_text(lathe, start_server, term):
    lathe.use(start_server(calls(apply_patch(PATCH)), says("A \x1b]0;title\x07 is no answer.\n", MARKDOWN)))
    terminal = Terminal(lathe, "exec", "go", TERM=term)
    assert terminal.wait() == 0
    assert "\x1b" not in terminal.screen and "\x07" not in terminal.screen
    assert not any(frame in terminal.screen for frame in SPINNER)
    assert "**done**" in terminal.screen and "+moon" in terminal.screen


def test_long_lines_are_broken_between_words_at_the_width_of_the_terminal(lathe, start_server):
    lathe.use(start_server(says("wort " * 60)))
    terminal = Terminal(lathe, "exec", "go", columns=40)
    assert terminal.wait() == 0
    rows = [row for row in last_rows(terminal.screen) if "wort" in row]
    assert len(rows) > 5 and max(len(row) for row in rows) <= 40
    assert all(word == "wort" for row in rows for word in row.split())


def test_what_a_model_says_does_not_command_the_terminal(lathe, start_server):
    lathe.use(start_server(says("Look: \x1b[2J\x1b]52;c;aGk=\x07 gone\u202e.\n"), ))
    terminal = Terminal(lathe, "exec", "go")
    assert terminal.wait() == 0
    assert "\x1b[2J" not in terminal.screen and "\x1b]52" not in terminal.screen and "\u202e" not in terminal.screen


def test_stdout_alone_on_a_pipe_stays_plain(lathe, start_server, tmp_path):
    """`lathe exec … > file` at a terminal: the file gets the model's bytes, the terminal the rest in colour."""
    lathe.use(start_server(says(MARKDOWN)))
    program = lathe.program
    lathe.program = "sh"
    try:
        terminal = Terminal(lathe, "-c", f'exec "{program}" exec go > answer.md')
        assert terminal.wait() == 0
    finally:
        lathe.program = program
    assert (lathe.cwd / "answer.md").read_text() == MARKDOWN
    assert re.search(COLOUR, terminal.screen) and "tokens in" in terminal.text
