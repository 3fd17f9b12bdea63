"""Which model is asked when nobody names one: flag, configuration, variables in their order, a local server that is there.
In a network of its own, so that the usual ports are free and nothing else answers."""
import http.server
import socket
import threading

import pytest

from support import in_own_network, says

OLLAMA, LLAMACPP = 11434, 8080


@pytest.mark.parametrize("port,name,wire", [(OLLAMA, "ollama", "ollama"), (LLAMACPP, "llamacpp", "openai_chat")])
def test_a_local_server_is_found_by_itself(lathe, start_server, port, name, wire):
    def work():
        server = start_server(says("From next door."), port=port, models=[{"id": "small"}])
        ran = lathe.ok("exec", "--json", "hello")
        assert ran.of_type("task_complete")[0]["last_agent_message"] == "From next door."
        (request,) = server.requests()
        assert (request["wire"], request["body"]["model"]) == (wire, "small")
        assert "authorization" not in dict(request["headers"])
        (backend,) = lathe.ok("backend", "list", "--json").document["backends"]
        assert (backend["name"], backend["origin"], backend["is_default"]) == (name, "found", True)
        server.stop()

    in_own_network(work)


def test_a_daemon_finds_one_that_was_started_after_it(lathe, start_server):
    lathe.variables |= {"CI": None, "LATHE_DAEMON_AUTO_START": None}

    def work():
        try:
            assert "no model backend" in lathe.fails(1, "exec", "go").err
            server = start_server(says("From next door."), port=OLLAMA, models=[{"id": "small"}])
            assert lathe.ok("exec", "go").out == "From next door.\n"
            server.stop()
        finally:
            lathe.ok("daemon", "stop")

    in_own_network(work)


def test_none_found_and_no_key_says_what_to_do(lathe):
    def work():
        ran = lathe.fails(1, "exec", "go")
        for words in ("no model backend is configured", "lathe setup", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "Ollama"):
            assert words in ran.err

    in_own_network(work)


def test_something_else_on_those_ports_is_no_model_server(lathe):
    def work():
        other = http.server.ThreadingHTTPServer(("127.0.0.1", LLAMACPP), http.server.BaseHTTPRequestHandler)  # 501 to all
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with socket.create_server(("127.0.0.1", OLLAMA)):  # takes connections and says nothing
            assert "no model backend" in lathe.fails(1, "exec", "go").err

    in_own_network(work)


# From the strongest down. Each is a server that says its own name, and how it is made known.
STEPS = ["flag", "configuration", "OPENAI", "ANTHROPIC", "LLMX", "ollama", "llamacpp"]


@pytest.mark.parametrize("strongest", STEPS)
def test_each_step_of_the_order_beats_those_below_it(lathe, start_server, strongest):
    def work():
        words = ["exec", "--model", "mock", "who are you?"]
        for step in STEPS[STEPS.index(strongest):]:
            port = {"ollama": OLLAMA, "llamacpp": LLAMACPP}.get(step, 0)
            server = start_server({"text": f"I am {step}.", "repeat": -1}, port=port)
            url = server.url if step == "ANTHROPIC" else f"{server.url}/v1"
            if step in ("flag", "configuration"):
                lathe.ok("backend", "add", step, "--type", "compatible", "--url", url)
            elif port == 0:
                lathe.variables |= {f"{step}_API_KEY": "a-key", f"{step}_BASE_URL": url}
            if step == "flag":
                words += ["--backend", "flag"]
        if strongest == "flag":
            lathe.ok("config", "set", "default-backend", "configuration")
        assert lathe.ok(*words).out.strip() == f"I am {strongest}."

    in_own_network(work)
