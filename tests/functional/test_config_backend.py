"""Backends and settings: where they come from, which one counts, and what a mistake gets."""
import re

import pytest

from conftest import ROOT
from support import WIRES, calls, says, shell


MODEL_DATA = (ROOT / "src/config/data/models.yaml").read_text()
DEFAULT_MODELS = dict(re.findall(r"^  (\S+): (\S+)$", MODEL_DATA.split("default-models:")[1].split("\nmodels:")[0], re.MULTILINE))


def asked_on(server):
    """The wire and the model of the newest request."""
    request = server.requests()[-1]
    return request["wire"], request["body"]["model"]


def test_environment_variables_work_with_no_configuration(lathe, start_server):
    server = start_server({"text": "Hi.", "repeat": -1})
    cases = [("OPENAI", server.url + "/v1", "openai_responses", "openai"), ("ANTHROPIC", server.url, "anthropic", "anthropic"),
             ("LLMX", server.url + "/v1", "openai_chat", "litellm")]
    for name, url, wire, backend_type in cases:
        lathe.ok("exec", "hello", env={f"{name}_API_KEY": "k", f"{name}_BASE_URL": url})
        assert asked_on(server) == (wire, DEFAULT_MODELS[backend_type])
    assert len(server.requests()) == 3


# How each type of backend is spoken to; what names no model asks for that of the model data, or the server's only one.
TYPES = {"openai": "openai_responses", "anthropic": "anthropic", "ollama": "ollama",
         **dict.fromkeys(["openai-chat", "vllm", "llamacpp", "openrouter", "mistral", "litellm", "compatible"], "openai_chat")}


def test_every_type_of_backend_is_asked_on_its_wire_for_its_default_model(lathe, start_server):
    assert set(DEFAULT_MODELS) <= set(TYPES)
    server = start_server({"text": "Hi.", "repeat": -1}, models=[{"id": "the-only-one"}])
    lathe.variables["MOCK_KEY"] = "key-of-the-test"
    backends = "".join(f"  {name}:\n    type: {name}\n    api-key-env: MOCK_KEY\n    url: "
                       f"{server.url if name in ('anthropic', 'ollama') else server.url + '/v1'}\n" for name in TYPES)
    lathe.home.mkdir()
    (lathe.home / "config.yaml").write_text(f"backends:\n{backends}")
    for name, wire in TYPES.items():
        lathe.ok("exec", "--backend", name, "hello")
        assert asked_on(server) == (wire, DEFAULT_MODELS.get(name, "the-only-one")), name


def test_the_flag_beats_the_configuration_beats_the_environment(lathe, start_server):
    flag, configured, environment = (start_server({"text": name, "repeat": -1}) for name in ("flag", "config", "env"))
    lathe.use(configured)
    lathe.variables |= {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": environment.url + "/v1"}
    lathe.ok("backend", "add", "other", "--type", "openai-chat", "--url", flag.url + "/v1", "--api-key-env", "MOCK_KEY")
    assert "config" in lathe.ok("exec", "who").out
    assert "flag" in lathe.ok("exec", "--backend", "other", "--model", "mock", "who").out
    assert "flag" in lathe.ok("exec", "--model", "other/mock", "who").out


@pytest.fixture
def key_command(lathe, tmp_path):
    """A command that gives another key each time, and the file that counts."""
    def add(server, wire="openai"):
        count = tmp_path / "count"
        command = f"echo run >> {count}; echo secret-key-number-$(wc -l < {count})"
        url = server.url if wire in ("anthropic", "ollama") else f"{server.url}/v1"
        lathe.ok("backend", "add", "cmd", "--type", wire, "--url", url, "--api-key-command", command)
        lathe.ok("config", "set", "default-backend", "cmd")
        lathe.ok("config", "set", "default-model", "mock")
        return lambda: len(count.read_text().splitlines())
    return add


REFUSED = {"error": {"status": 401, "message": "this key has expired"}}


@pytest.mark.parametrize("wire", WIRES)
def test_a_key_from_a_command_is_got_anew_when_it_is_refused(lathe, start_server, key_command, wire):
    (lathe.cwd / "keys.txt").write_text("secret-key-number-1, secret-key-number-2\n")
    server = start_server(REFUSED, calls(shell("cat keys.txt")), says("Hi."))
    runs = key_command(server, wire)
    ran = lathe.ok("exec", "--json", "hello")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "Hi."
    assert (runs(), len(server.requests())) == (2, 3)
    header = "x-api-key" if wire == "anthropic" else "authorization"
    assert all(header in dict(request["headers"]) for request in server.requests())
    assert "[secret], [secret]\n" in ran.of_type("exec_command_end")[0]["outcome"]["output"]
    told = ran.out + ran.err + "".join(path.read_bytes().decode(errors="replace") for path in lathe.home.rglob("*") if path.is_file())
    assert "secret-key-number-1" not in told and "secret-key-number-2" not in told


def test_a_key_from_a_command_is_got_anew_only_once(lathe, start_server, key_command):
    server = start_server(dict(REFUSED, repeat=-1))
    runs = key_command(server)
    error = lathe.fails(5, "exec", "--json", "hello").of_type("error")[-1]
    assert error["code"] == "auth_error" and "api-key-command" in error["hint"]
    assert (runs(), len(server.requests())) == (2, 2)


def test_a_key_that_is_the_same_again_is_not_tried_again(lathe, start_server):
    server = start_server(dict(REFUSED, repeat=-1))
    lathe.ok("backend", "add", "cmd", "--type", "openai", "--url", server.url + "/v1", "--api-key-command", "echo a-lasting-key")
    lathe.fails(5, "exec", "--backend", "cmd", "--model", "mock", "hello")
    assert len(server.requests()) == 1


def test_a_key_command_that_fails_names_its_backend(lathe):
    lathe.ok("backend", "add", "cmd", "--type", "openai", "--url", "http://127.0.0.1:9/v1", "--api-key-command", "echo gone >&2; false")
    assert "backend cmd: api-key-command ended with 1 and no key: gone" in lathe.fails(1, "exec", "--model", "cmd/m", "go").err


def test_only_the_backend_that_is_used_warns_of_a_key_in_the_clear(lathe, start_server):
    lathe.use(start_server(says("Hi.")))
    lathe.ok("backend", "add", "far", "--type", "openai", "--url", "http://far.invalid/v1", "--api-key-env", "MOCK_KEY")
    assert "without encryption" not in lathe.ok("exec", "go").err
    assert "far.invalid without encryption" in lathe.run("backend", "test", "far").err


@pytest.mark.parametrize("key,value,says_what", [
    ("default-model", b"\xff\xfe", "default-model: the value is not UTF-8"),
    ("fallback-models", b"x", "config.yaml: fallback-models (line 1) cannot be changed line by line"),
])
def test_a_setting_that_cannot_be_written_says_why(lathe, key, value, says_what):
    lathe.home.mkdir()
    (lathe.home / "config.yaml").write_text("fallback-models:\n  - a\n  - b\n")
    assert says_what in lathe.fails(1, "config", "set", key, value).err
    assert (lathe.home / "config.yaml").read_text() == "fallback-models:\n  - a\n  - b\n"


def test_backends_are_listed_without_their_keys_tested_and_removed(lathe, start_server):
    server = start_server({"text": "Hi.", "repeat": -1})
    lathe.use(server)
    (backend,) = [b for b in lathe.ok("backend", "list", "--json").document["backends"] if b["name"] == "mock"]
    assert (backend["type"], backend["origin"], backend["provider"]) == ("openai", "config", "openai_responses")
    assert "key-of-the-test" not in lathe.ok("backend", "list").out
    lathe.ok("backend", "test", "mock")
    lathe.ok("backend", "remove", "mock")
    assert all(b["name"] != "mock" for b in lathe.ok("backend", "list", "--json").document["backends"])


def test_models_are_asked_from_the_server(lathe, start_server):
    lathe.use(start_server(models=[{"id": "small"}, {"id": "large"}]))
    models = lathe.ok("model", "list", "--json").document["models"]
    assert {model["model"] for model in models if model["backend"] == "mock"} == {"small", "large"}


@pytest.mark.parametrize("words,named", [
    (["backend", "add", "x", "--type", "opnai"], "openai"),
    (["backend", "remove", "mok"], "mock"),
    (["backend", "test", "mok"], "mock"),
    (["config", "set", "defalt-model", "x"], "default-model"),
    (["config", "get", "defalt-model"], "default-model"),
    (["config", "set", "approval-policy", "sometimes"], "sometimes"),
])
def test_a_mistake_names_what_was_meant(lathe, start_server, words, named):
    lathe.use(start_server())
    assert named in lathe.fails(1, *words).err


def test_a_new_default_backend_is_asked_for_no_model_of_the_old_one(lathe, start_server):
    lathe.use(start_server())
    lathe.ok("config", "set", "default-model", "mock/mock")
    other = start_server(says("I am the other."))
    ran = lathe.ok("backend", "add", "other", "--type", "openai", "--url", f"{other.url}/v1", "--api-key-env", "MOCK_KEY",
                   "--model", "theirs", "--default")
    assert "default-model mock/mock" in ran.err
    assert "I am the other." in lathe.ok("exec", "go").out
    assert lathe.ok("config", "get", "default-model").out == "\n"


@pytest.mark.parametrize("key,value,allowed", [
    ("budget.turns", "abc", "a whole number, at least 0"), ("agents.max-depth", "99", "from 0 to 20"),
    ("budget.usd", "lots", "US dollars"), ("shell.max-timeout", "1ms", "from 1s to 24h"), ("durability", "soft", "process, power"),
])
def test_a_wrong_value_is_named_with_what_is_allowed(lathe, key, value, allowed):
    err = lathe.fails(1, "config", "set", key, value).err
    assert key in err and value in err and allowed in err, err


def test_a_slip_in_the_default_model_asks_no_other_backend(lathe, start_server):
    server = start_server({"text": "I was asked.", "repeat": -1})
    lathe.use(server)
    assert 'did you mean "mock"?' in lathe.fails(1, "config", "set", "default-model", "mokc/x").err
    assert 'did you mean "mock"?' in lathe.fails(1, "config", "set", "fallback-models", "mock,mokc/x").err
    path = lathe.home / "config.yaml"
    path.write_text(path.read_text().replace("default-model: mock\n", "default-model: mokc/x\n"))
    ran = lathe.fails(1, "exec", "go")
    assert "default-model" in ran.err and 'did you mean "mock"?' in ran.err
    assert server.requests() == []
    lathe.ok("config", "set", "default-model", "mock/mokc/x")
    lathe.ok("exec", "go")
    assert server.requests()[-1]["body"]["model"] == "mokc/x"


def test_a_model_whose_name_begins_with_its_backends_is_itself_when_the_session_goes_on(lathe, start_server):
    server = start_server({"text": "Hi.", "repeat": -1}, models=[{"id": "mock/auto"}, {"id": "auto"}])
    lathe.use(server)
    ran = lathe.ok("exec", "--json", "--model", "mock/mock/auto", "first")
    lathe.ok("session", "resume", ran.session, "second")
    assert [request["body"]["model"] for request in server.requests()] == ["mock/auto", "mock/auto"]


def test_defaults_that_name_two_backends_are_an_error_and_neither_is_asked(lathe, start_server):
    first, second = (start_server({"text": name, "repeat": -1}) for name in ("first", "second"))
    lathe.use(first)
    lathe.ok("backend", "add", "other", "--type", "openai", "--url", second.url + "/v1", "--api-key-env", "MOCK_KEY")
    lathe.ok("config", "set", "default-model", "other/mock")
    ran = lathe.fails(1, "exec", "go")
    assert "default-backend is mock, and default-model is other/mock, a model of backend other" in ran.err
    assert "lathe config set default-backend other" in ran.err
    assert first.requests() == [] and second.requests() == []
    # Whoever names one is not asked about the defaults.
    assert "first" in lathe.ok("exec", "--backend", "mock", "--model", "mock", "go").out
    lathe.ok("config", "set", "default-backend", "other")
    assert "second" in lathe.ok("exec", "go").out


def test_settings_know_their_source(lathe):
    lathe.ok("config", "set", "default-model", "some-model")
    assert lathe.ok("config", "get", "default-model").out.strip() == "some-model"
    listed = lathe.ok("config", "list").out
    assert "default-model" in listed and "config.yaml" in listed and "default" in listed


def test_a_setting_that_nobody_set_shows_what_holds(lathe):
    rows = [line.split() for line in lathe.ok("config", "list").out.splitlines()]
    assert ["budget.turns", "200", "default"] in rows and ["budget.tool-calls", "1000", "default"] in rows
    turns = [one for one in lathe.ok("config", "list", "--json").document["settings"] if one["key"] == "budget.turns"]
    assert turns == [{"key": "budget.turns", "value": "", "source": "default", "when_empty": "200"}]
    ran = lathe.ok("config", "get", "budget.turns")
    assert (ran.out, "200" in ran.err) == ("\n", True)


def test_setting_one_key_keeps_the_rest_and_its_comments(lathe):
    lathe.ok("config", "set", "default-model", "one")
    path = next(lathe.home.rglob("config.yaml"))
    path.write_text("# mine\n" + path.read_text())
    lathe.ok("config", "set", "compact-at-percent", "80")
    text = path.read_text()
    assert text.startswith("# mine\n") and "one" in text and "80" in text


def test_fallback_is_tried_in_order_with_a_trace(lathe, start_server):
    broken = start_server({"error": {"status": 401}, "repeat": -1})
    good = start_server(says("From the second."))
    lathe.use(broken)
    lathe.ok("backend", "add", "second", "--type", "openai-chat", "--url", good.url + "/v1", "--api-key-env", "MOCK_KEY")
    lathe.ok("config", "set", "fallback-models", "second/mock")
    ran = lathe.ok("exec", "--json", "go")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "From the second."
    assert any("mock" in message["message"] for message in ran.of_type("warning"))


def test_a_model_without_a_key_is_skipped_for_its_fallback(lathe, start_server):
    good = start_server(says("From the second."))
    lathe.use(good)
    lathe.ok("backend", "add", "nokey", "--type", "openai", "--url", good.url + "/v1", "--api-key-env", "NOT_SET_HERE")
    ran = lathe.ok("exec", "--json", "--model", "nokey/x", "--fallback", "mock/m2", "go")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "From the second."
    (skipped,) = [message["message"] for message in ran.of_type("warning") if message["code"] == "model_skipped"]
    assert "nokey/x" in skipped and "no API key" in skipped and "NOT_SET_HERE" in skipped
    for fallback in ([], ["--fallback", "nokey/y"]):
        assert "no API key" in lathe.fails(1, "exec", "--model", "nokey/x", *fallback, "go").err
    assert len(good.requests()) == 1


def test_a_fallback_at_a_backend_that_is_none_is_refused_before_a_model_is_asked(lathe, start_server):
    server = start_server({"text": "I was asked.", "repeat": -1})
    lathe.use(server)
    err = lathe.fails(1, "exec", "--fallback", "mok/good", "go").err
    assert "fallback-models" in err and 'no backend "mok"' in err and 'did you mean "mock"?' in err, err
    lathe.variables |= {"OPENAI_API_KEY": "k"}
    err = lathe.fails(1, "exec", "--backend", "openai", "--fallback", "nope/good", "go", env={"LATHE_DEFAULT_BACKEND": "openai"}).err
    assert 'no backend "nope" (model "nope/good")' in err and "mock" in err, err
    assert not server.requests()
