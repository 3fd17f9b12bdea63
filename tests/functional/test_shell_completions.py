"""Completions, manual pages and help are made from the program's own definition, and the shells understand them."""
import os
import re
import subprocess

import pytest

from support import Terminal


@pytest.fixture
def script(lathe, tmp_path):
    """script(shell) -> path of the completions for that shell."""
    def write(shell):
        path = tmp_path / f"lathe.{shell}"
        path.write_text(lathe.ok("completions", shell).out)
        return path
    return write


def definition(lathe):
    """{"session list": {"--json", …}, …} as `lathe completions fish` tells it, the commands as {"": {"exec", …}}."""
    commands, options = {}, {}
    for line in lathe.ok("completions", "fish").out.splitlines():
        below = re.match(r"complete -c lathe -f -n '?__lathe_exactly ?([^']*)'? -a (\S+) -d", line)
        if below:
            commands.setdefault(below[1].strip(), set()).add(below[2])
        option = re.match(r"complete -c lathe -n '?__lathe_at ?([^']*)'?((?: -[ls] \S+)+)", line)
        if option:
            names = re.findall(r"-([ls]) (\S+)", option[2])
            options.setdefault(option[1].strip(), set()).update(("--" if kind == "l" else "-") + name for kind, name in names)
    return commands, options


def leaves(commands):
    """Every command that has none below it."""
    paths = [name for name in commands[""]]
    for path in paths:
        paths += [f"{path} {name}" for name in commands.get(path, ())]
    return sorted(path for path in paths if path not in commands)


def printed(page, *options):
    """A manual page as it is read: without overstriking and with plain dashes."""
    ran = subprocess.run(["groff", "-man", "-Tutf8", *options], input=page, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    plain = re.sub(r"\x1b\[[\d;]*m|.\x08", "", ran.stdout)
    return plain.replace("\u2010", "-").replace("\u2212", "-")


def words_of_help(text):
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", text))


def test_the_shells_can_read_them(script):
    for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
        ran = subprocess.run([*check, script(shell)], capture_output=True, text=True)
        assert (ran.returncode, ran.stderr) == (0, ""), (shell, ran)


def completed_by_bash(path, *words):
    ask = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; '
           'COMPREPLY=(); _lathe; printf "%s\\n" "${COMPREPLY[@]}"')
    ran = subprocess.run(["bash", "--norc", "-c", ask, "bash", path, "lathe", *words], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return set(ran.stdout.split())


def completed_by_fish(path, line):
    ran = subprocess.run(["fish", "--no-config", "-c", f"source {path}; complete -C '{line}'"], capture_output=True, text=True,
                         env={**os.environ, "HOME": str(path.parent)})
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return {entry.split("\t")[0] for entry in ran.stdout.splitlines()}


def completed_by_zsh(path, *words):
    ask = ('compdef() { :; }; _files() { :; }; _describe() { print -l -- ${(P)2}; }; source $1; shift; '
           'words=("$@"); CURRENT=$#; _lathe')
    ran = subprocess.run(["zsh", "-f", "-c", ask, "zsh", path, "lathe", *words], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    return {entry.split(":")[0].replace("\\", "") for entry in ran.stdout.splitlines()}


@pytest.mark.parametrize("words,offered", [
    (["ses"], {"session"}),
    (["session", "r"], {"resume", "rollback", "rm"}),
    (["session", "export", "--format", ""], {"ndjson", "md"}),
    (["exec", "--ask", ""], {"deny", "wait", "tty"}),
    (["completions", ""], {"bash", "zsh", "fish"}),
    (["exec", "do it", "--output-"], {"--output-schema", "--output-last-message"}),
])
def test_bash_and_fish_complete(script, words, offered):
    """Only what begins so; where nothing is typed yet, bash offers options too."""
    found = completed_by_bash(script("bash"), *words)
    assert {word for word in found if words[-1] or not word.startswith("-")} == offered
    line = " ".join(["lathe", *words]).replace("do it", "do")
    assert offered <= completed_by_fish(script("fish"), line)


def test_zsh_completes(script):
    assert {"session", "exec"} <= completed_by_zsh(script("zsh"), "")
    assert {"rollback", "export"} <= completed_by_zsh(script("zsh"), "session", "")
    assert {"deny", "wait", "tty"} <= completed_by_zsh(script("zsh"), "exec", "--ask", "")
    assert {"ndjson", "md"} <= completed_by_zsh(script("zsh"), "session", "export", "x", "--format", "")


def test_a_person_presses_tab(lathe, script):
    class Bash:
        cwd, _started = lathe.cwd, lathe._started
        argv = staticmethod(lambda words: ["bash", *words])
        environment = staticmethod(lambda **more: lathe.environment(PS1="> ", **more))
    terminal = Terminal(Bash, "--norc", "-i")
    terminal.expect(">")
    terminal.type(f"source {script('bash')}\r")
    terminal.type("lathe ses\t")
    terminal.expect("lathe session ")
    terminal.type("exp\t")
    terminal.expect("session export ")
    terminal.type("\x15exit\r")
    assert terminal.wait() == 0


def test_help_manual_and_completions_tell_of_the_same_options(lathe):
    commands, options = definition(lathe)
    pages = {name: printed(lathe.ok("man", name).out, "-rLL=200n") for name in lathe.ok("man", "--list").out.split()}
    assert set(pages) == commands[""]
    for path in leaves(commands):
        manual = pages[path.split()[0]]
        own = words_of_help(lathe.ok(*path.split(), "--help").out)
        assert options[path] <= own, path
        assert own <= options[path] | words_of_help(" ".join(sorted(options[path]))) | {"--"}, path
        assert f"lathe {path}" in manual, path
        assert all(option in manual for option in options[path]), path


def test_the_manual_pages_print_without_a_warning(lathe):
    manual = printed(lathe.ok("man").out, "-ww")
    for name in ("EXIT CODES", "LATHE_HOME", "lathe-session(1)"):
        assert name in manual, name
    pages = {name: printed(lathe.ok("man", name).out, "-ww") for name in lathe.ok("man", "--list").out.split()}
    assert "--output-last-message" in pages["exec"] and "session rollback" in pages["session"]


# What the program knows by itself.
WITHOUT_DATA_ROOT = {"schema", "completions", "man"}


# Which engine they mean is their very name.
ABOUT_THE_DAEMON = {"daemon start", "daemon stop", "daemon restart", "daemon install", "daemon status", "daemon logs",
                    "daemon token create", "daemon token list", "daemon token remove"}


def test_every_command_on_the_data_root_takes_embedded(lathe):
    commands, options = definition(lathe)
    missing = {path for path in leaves(commands) if "--embedded" not in options.get(path, ())}
    assert missing == WITHOUT_DATA_ROOT | ABOUT_THE_DAEMON
    for words in (["config", "get", "durability"], ["backend", "add", "x", "--type", "ollama"], ["backend", "remove", "x"],
                  ["policy", "explain", "ls"]):
        lathe.ok(*words, "--embedded")


def test_the_others_make_no_data_root(lathe, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: []\n")
    for words in (["backend", "add", "x", "--type", "ollama"], ["backend", "remove", "x"], ["config", "list"],
                  ["config", "set", "default-model", "m"], ["config", "get", "default-model"], ["config", "path"], ["schema"],
                  ["policy", "explain", "ls"], ["policy", "test", str(rules)], ["sandbox", "run", "--", "true"],
                  ["completions", "bash"], ["man"]):
        lathe.run(*words)
        assert not (lathe.home / "state").exists(), words
