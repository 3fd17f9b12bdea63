"""`lathe setup` on a terminal: asks for a backend, tests it, and leaves no half of one behind."""
import http.server
import os
import signal
import threading

import pytest

from support import Terminal, says


def answer(terminal, *answers):
    for question, text in answers:
        terminal.expect(question)
        terminal.type(text + "\r")


def config_text(lathe):
    path = lathe.home / "config.yaml"
    return path.read_text() if path.exists() else ""


@pytest.fixture
def key(lathe):
    lathe.variables["MY_KEY"] = "key-of-the-test"
    return "MY_KEY"


def dialog(server, key):
    return [("Which kind", "openai"), ("base URL", server.url + "/v1"), ("variable", key), ("A name", "mine")]


def test_a_first_backend(lathe, start_server, key):
    server = start_server(says("Hello."), models=[{"id": "mock"}])
    terminal = Terminal(lathe, "setup")
    answer(terminal, *dialog(server, key))
    assert terminal.wait() == 0, terminal.text
    assert "backend mine answers: 1 models" in terminal.text and "lathe exec" in terminal.text
    assert "key-of-the-test" not in config_text(lathe) and key in config_text(lathe)
    assert "Hello." in lathe.ok("exec", "--model", "mock", "go").out


def test_enter_takes_what_is_offered(lathe, start_server):
    server = start_server(models=[{"id": "mock"}])
    lathe.variables["OPENAI_API_KEY"] = "key-of-the-test"
    terminal = Terminal(lathe, "setup")
    answer(terminal, ("[openai]", ""), ("base URL", server.url + "/v1"), ("[OPENAI_API_KEY]", ""), ("[openai]", ""))
    assert terminal.wait() == 0, terminal.text
    assert lathe.ok("config", "get", "default-backend").out.strip() == "openai"


class Refusal(http.server.BaseHTTPRequestHandler):
    """A provider that knows no key."""
    def do_GET(self):
        body = b'{"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}'
        self.send_response(401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def refusing():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()
        thread.join()


def test_a_wrong_key_is_told_and_what_to_do(lathe, refusing, key):
    server = refusing
    terminal = Terminal(lathe, "setup")
    answer(terminal, *dialog(server, key))
    assert terminal.wait() == 5, terminal.text
    assert "does not answer" in terminal.text and key in terminal.text
    assert "lathe backend test mine" in terminal.text
    assert "key-of-the-test" not in terminal.text


def test_an_answer_that_cannot_be_is_asked_again(lathe, start_server, key):
    server = start_server(models=[{"id": "mock"}])
    terminal = Terminal(lathe, "setup")
    answer(terminal, ("Which kind", "opnai"), ('did you mean "openai"', "openai"), ("base URL", "not a url"),
           ("base URL?", server.url + "/v1"), ("variable", "sk-this-is-the-key-itself"), ("export MY_KEY", key),
           ("A name", "mine"))
    assert terminal.wait() == 0, terminal.text
    assert "sk-this-is" not in config_text(lathe)


def test_a_name_that_is_taken_is_told_and_changes_nothing(lathe, start_server, key):
    server = start_server(models=[{"id": "mock"}])
    lathe.use(server)
    before = config_text(lathe)
    terminal = Terminal(lathe, "setup")
    terminal.expect("there is mock (openai, from config)")
    answer(terminal, *dialog(server, key)[:3], ("A name", "mock"))
    terminal.expect('there is a backend "mock" already')
    terminal.type("\x04")
    assert terminal.wait() != 0
    assert config_text(lathe) == before


@pytest.mark.parametrize("leave", ["ctrl-c", "ctrl-d", "hang-up"])
@pytest.mark.parametrize("answered", [0, 2, 3])
def test_leaving_in_the_middle_leaves_the_configuration_as_it_was(lathe, start_server, key, leave, answered):
    server = start_server(models=[{"id": "mock"}])
    lathe.ok("config", "set", "default-model", "mine")
    before = config_text(lathe)
    terminal = Terminal(lathe, "setup")
    steps = dialog(server, key)
    answer(terminal, *steps[:answered])
    terminal.expect(steps[answered][0])
    if leave == "hang-up":
        os.kill(terminal.process.pid, signal.SIGHUP)
    else:
        terminal.type("\x03" if leave == "ctrl-c" else "\x04")
    assert terminal.wait() in ((4,) if leave == "ctrl-d" else (130, -signal.SIGINT, -signal.SIGHUP))
    assert config_text(lathe) == before


def test_without_a_terminal_it_says_what_to_type(lathe):
    ran = lathe.fails(1, "setup")
    assert "terminal" in ran.err and "lathe backend add" in ran.err
