"""`lathe chat` on a terminal: turns, commands, and leaving."""
from support import Terminal, says


def test_a_conversation(lathe, start_server):
    server = start_server(says("Good ", "morning."), says("Good night."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("hello\r")
    terminal.expect("Good morning.")
    terminal.type("bye\r")
    terminal.expect("Good night.")
    terminal.type("/usage\r")
    terminal.expect("20")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    assert len(server.requests()) == 2
    assert server.control("prefix_breaks") == []


def test_ctrl_c_interrupts_the_answer_and_keeps_the_chat(lathe, start_server):
    server = start_server(says("Half", {"gate": "never"}), says("Here again."))
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
