"""The program tells its version and its commands, and takes no typing mistake for a prompt."""
import json

import pytest


def test_version_is_one_line_on_stdout(lathe):
    ran = lathe.ok("--version")
    assert ran.out.startswith("lathe ")
    assert ran.out.count("\n") == 1
    assert ran.err == ""


def test_version_and_help_make_no_data_root(lathe):
    lathe.ok("--version")
    lathe.ok("--help")
    lathe.ok("exec", "--help")
    assert not lathe.home.exists()


@pytest.mark.parametrize("command", ["exec", "chat", "attach", "watch", "session", "backend", "model", "config", "doctor", "setup",
                                     "approvals", "schema", "index"])
def test_help_names_every_command_and_each_has_its_own(lathe, command):
    assert command in lathe.ok("--help").out
    own = lathe.ok(command, "--help")
    assert command in own.out
    assert own.err == ""


@pytest.mark.parametrize("words", [["exce", "do it"], ["sesion", "list"], ["hello"]])
def test_a_mistyped_command_is_never_a_prompt(lathe, start_server, words):
    server = start_server({"text": "I was asked.", "repeat": -1})
    lathe.use(server)
    ran = lathe.fails(1, *words)
    assert words[0] in ran.err
    assert server.requests() == []


def test_a_mistyped_command_names_the_nearest(lathe):
    assert "exec" in lathe.fails(1, "exce").err
    assert "session" in lathe.fails(1, "sesion", "list").err


def test_one_word_with_a_space_is_a_prompt(lathe, start_server):
    server = start_server({"text": "Done."})
    lathe.use(server)
    assert "Done." in lathe.ok("say that you are done").out


def test_what_other_programs_call_help_and_version(lathe):
    assert lathe.ok("version").out == lathe.ok("--version").out
    assert lathe.ok("help").out == lathe.ok("--help").out
    assert lathe.ok("help", "session", "list").out == lathe.ok("session", "list", "--help").out
    for words in (["help", "sesion"], ["sesion", "--help"], ["session", "lst", "--help"]):
        assert "did you mean" in lathe.fails(1, *words).err


def test_an_unknown_option_is_named(lathe):
    ran = lathe.fails(1, "exec", "--modle", "x", "do it")
    assert "--modle" in ran.err


def test_schema_is_json_schema(lathe):
    schema = json.loads(lathe.ok("schema").out)
    assert "$schema" in schema
    assert "agent_message_delta" in json.dumps(schema)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_know_the_commands(lathe, shell):
    script = lathe.ok("completions", shell).out
    assert "session" in script and "exec" in script


def test_man_pages_come_from_the_same_definition(lathe):
    page = lathe.ok("man").out
    assert page.startswith(".TH") or ".TH" in page.splitlines()[0] + page.splitlines()[1]
    assert "exec" in page
