"""`lathe sandbox run` and `lathe sandbox test`, and what a session's commands find around them."""
import json
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import threading

import pytest

from support import PATIENCE, Terminal, calls, says, shell

LEVELS = ["full", "namespaces", "landlock"]


def run(lathe, *words, stdin=None):
    return lathe.run("sandbox", *words, input=stdin)


def report(lathe, level):
    ran = run(lathe, "test", "--level", level, "--json")
    if ran.code == 1 and "this machine gives level" in ran.err:
        pytest.skip(ran.err)
    return ran, json.loads(ran.out)


@pytest.mark.parametrize("level", LEVELS)
def test_every_guarantee_of_the_level_holds(lathe, level):
    ran, found = report(lathe, level)
    assert found["level"] == level
    assert [check for check in found["checks"] if check["required"] and not check["refused"]] == []
    assert found["ok"] and ran.code == 0
    assert {check["guarantee"] for check in found["checks"]} == {"writes", "home", "secrets", "protected", "new_names",
                                                                 "nested", "network", "processes", "kernel"}
    details = {check["id"]: check["detail"] for check in found["checks"]}
    assert "put aside" in details["new_name"] and "to be trusted outside" in details["nested_repository"]
    if level != "landlock":
        assert " 403 " in details["proxy_blocked"] and " 200 " in details["proxy_allowed"]


def test_the_table_is_by_guarantee(lathe):
    lines = run(lathe, "test").out.splitlines()
    assert any(line.startswith("new_names: 1 of 1 held") for line in lines)
    assert [line for line in lines if line.startswith("  ")] != []


def test_unconfined_the_same_probes_get_their_work_done(lathe):
    ran, found = report(lathe, "none")
    assert ran.code == 0
    done = {check["id"] for check in found["checks"] if not check["refused"]}
    assert {"write_outside", "read_outside", "read_secret", "tcp", "abstract_socket", "see_process", "tiocsti",
            "capabilities"} <= done


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
@pytest.mark.parametrize("level", LEVELS)
def test_ordinary_user_is_as_confined_as_root(lathe, level):
    program = pathlib.Path(lathe.program)
    folder = pathlib.Path(subprocess.check_output(["mktemp", "-d", "/tmp/lathe-nobody-XXXXXX"], text=True).strip())
    try:
        shutil.copytree(program.parent, folder / "bin",
                        ignore=lambda _, names: [name for name in names if name != "lathe"])
        shutil.copytree(program.parent.parent / "libexec", folder / "libexec")
        subprocess.run(["chown", "-R", "nobody", folder], check=True)
        subprocess.run(["chmod", "755", folder], check=True)
        nobody = pwd.getpwnam("nobody")
        ran = subprocess.run([folder / "bin/lathe", "sandbox", "test", "--level", level, "--json"], cwd=folder,
                             env={"PATH": os.environ["PATH"], "HOME": str(folder), "LATHE_HOME": str(folder / "home")},
                             user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], capture_output=True, text=True,
                             timeout=PATIENCE)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert json.loads(ran.stdout)["ok"]
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("level", LEVELS)
def test_exit_codes_and_standard_streams_are_the_commands(lathe, level):
    ran = run(lathe, "run", "--level", level, "--", "sh", "-c", "cat; echo err >&2; exit 7", stdin="through\n")
    assert (ran.code, ran.out, ran.err) == (7, "through\n", "err\n")
    assert run(lathe, "run", "--level", level, "--", "sh", "-c", "kill -TERM $$").code == 143
    missing = run(lathe, "run", "--level", level, "--", "no-such-program")
    assert missing.code == 127 and "no-such-program" in missing.err


@pytest.mark.parametrize("level", LEVELS)
def test_on_a_terminal_ctrl_c_is_the_commands(lathe, level):
    script = ("import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\nprint('begun', flush=True)\n"
              "for number in (1, 2, 3):\n signal.sigwait({signal.SIGINT})\n print('caught', number, flush=True)\nraise SystemExit(7)\n")
    terminal = Terminal(lathe, "sandbox", "run", "--level", level, "--", "python3", "-c", script)
    terminal.expect("begun")
    for number in (1, 2, 3):
        terminal.type("\x03")
        terminal.expect(f"caught {number}")
    assert terminal.wait() == 7


def test_no_data_root_is_touched(lathe):
    assert run(lathe, "run", "--", "true").code == 0
    assert run(lathe, "test").code == 0
    assert not pathlib.Path(lathe.home).exists()


def test_modes_say_what_is_written(lathe, tmp_path):
    write = "echo x > made; echo y > ../outside"
    # What lies beside the workspace is a private /tmp, which commands may write in every mode.
    assert run(lathe, "run", "--mode", "read-only", "--", "sh", "-c", "echo x > made").code != 0
    run(lathe, "run", "--mode", "read-only", "--", "sh", "-c", write)
    assert not (lathe.cwd / "made").exists() and not (lathe.cwd.parent / "outside").exists()
    run(lathe, "run", "--", "sh", "-c", write)
    assert (lathe.cwd / "made").read_text() == "x\n"
    assert not (lathe.cwd.parent / "outside").exists()
    run(lathe, "run", "--mode", "full-access", "--", "sh", "-c", write)
    assert (lathe.cwd.parent / "outside").read_text() == "y\n"


def test_a_person_lets_commands_read_more(lathe, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "list").write_text("one\n")
    (data / ".env").write_text("KEY=very-secret-value\n")
    look = ["run", "--", "sh", "-c", f"cat {data}/list; cat {data}/.env; echo x > {data}/made"]
    asked = ["policy", "explain", "--json", "--tool", "read_file", "--args", json.dumps({"path": str(data / "list")})]
    assert run(lathe, *look).out == "" and lathe.ok(*asked).document["decision"] == "ask"
    # Not a repository's to say.
    (lathe.cwd / ".lathe").mkdir()
    (lathe.cwd / ".lathe/config.yaml").write_text(f"readable-roots: [{data}]\n")
    assert run(lathe, *look).out == ""
    lathe.ok("config", "set", "readable-roots", "~/data")
    assert run(lathe, *look).out == "one\n" and not (data / "made").exists()
    assert lathe.ok(*asked).document["decision"] == "allow"


def test_what_commands_never_read_cannot_be_named(lathe, tmp_path):
    (tmp_path / ".ssh").mkdir()
    assert "must begin with / or ~/" in lathe.run("config", "set", "readable-roots", "data").err
    for root in ("~/.ssh", "/", str(tmp_path)):
        lathe.ok("config", "set", "readable-roots", root)
        ran = run(lathe, "run", "--", "true")
        assert ran.code != 0 and "readable-roots: " in ran.err, root


def test_nothing_that_a_command_started_outlives_it(lathe):
    ran = run(lathe, "run", "--", "sh", "-c", "setsid sleep 4711 & echo started")
    assert ran.out == "started\n"
    assert "sleep 4711" not in subprocess.check_output(["ps", "-eo", "args"], text=True)


@pytest.mark.skipif(not os.access("/sys/fs/cgroup/pids", os.W_OK), reason="no groups (cgroups v1) can be made here")
@pytest.mark.parametrize("level", LEVELS)
def test_the_kernel_bounds_the_command_in_a_group_that_goes_with_it(lathe, level):
    ran = run(lathe, "run", "--level", level, "--", "cat", "/proc/self/cgroup")
    if ran.code == 1 and "this machine gives level" in ran.err:
        pytest.skip(ran.err)
    groups = {fields[1]: fields[2].rstrip("\n") for fields in (line.split(":", 2) for line in ran.out.splitlines())}
    name = groups["pids"].rpartition("/")[2]
    assert name.startswith("lathe-"), ran.out + ran.err
    assert list(pathlib.Path("/sys/fs/cgroup/pids").rglob(name)) == []


def test_git_works_and_its_hooks_are_out_of_reach(lathe):
    ran = run(lathe, "run", "--", "sh", "-c",
              "git -c user.name=t -c user.email=t@example.invalid commit -q --allow-empty -m two && git log --oneline | wc -l;"
              "echo evil > .git/hooks/pre-commit; git config core.fsmonitor evil; git status --short")
    assert ran.out.strip() == "2"
    assert not (lathe.cwd / ".git/hooks/pre-commit").exists()
    assert "evil" not in (lathe.cwd / ".git/config").read_text()


class OneAnswer(threading.Thread):
    """An HTTP server that answers every request alike."""

    def __init__(self, body=b"hello"):
        super().__init__(daemon=True)
        self.body = body
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.recv(65536)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
            try:
                client.sendall(head.encode() + self.body)
            except OSError:
                pass  # the proxy's budget is spent
            client.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_only_named_hosts_are_reached(lathe):
    server = OneAnswer()
    url = f"http://127.0.0.1:{server.port}/"
    # The jail's own loopback needs no proxy; the test does.
    curl = ["curl", "-s", "--noproxy", "", "--max-time", "10", url]
    assert run(lathe, "run", "--", *curl).code != 0
    allowed = run(lathe, "run", "--allow-host", "127.0.0.1", "--", *curl)
    assert allowed.out == "hello", allowed.err
    refused = run(lathe, "run", "--allow-host", "example.invalid", "--", *curl)
    assert "hello" not in refused.out
    assert "127.0.0.1" in refused.err
    server.listener.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_byte_budget_is_a_sessions(lathe):
    lathe.ok("config", "set", "egress-bytes", "1000")
    server = OneAnswer(b"x" * 1_000_000)
    curl = ["curl", "-s", "--noproxy", "", "--max-time", "10", f"http://127.0.0.1:{server.port}/"]
    assert len(run(lathe, "run", "--allow-host", "127.0.0.1", "--", *curl).out) < 500_000
    server.listener.close()


def test_what_a_command_leaves_is_put_aside_told_and_remembered(lathe):
    """`sandbox run` guards the workspace as a session does; the taint lasts until a person clears it."""
    ran = run(lathe, "run", "--", "sh", "-c", "mkdir .vscode; echo evil > .vscode/tasks.json; mkdir -p in/.git; echo ok")
    assert ran.code == 0 and ran.out == "ok\n"
    assert ".vscode" in ran.err and "put aside" in ran.err and "in/.git" in ran.err
    assert not (lathe.cwd / ".vscode").exists() and (lathe.cwd / "in/.git").exists()
    notes = json.loads(run(lathe, "tainted", "--json").out)["notes"]
    assert len(notes) == 2 and all(note["at"] > 0 for note in notes)
    doctor = lathe.run("doctor", "--json").document["findings"]
    assert [finding["mend"] for finding in doctor if finding["what"] == "workspace"] == [
        "lathe sandbox tainted --clear"] * 2
    (book,) = pathlib.Path(lathe.home).rglob("tainted/*.ndjson")
    book.write_text(book.read_text() + "{damaged\n")
    assert "a damaged note" in json.loads(run(lathe, "tainted", "--json").out)["notes"][-1]["text"]
    assert "cleared" in run(lathe, "tainted", "--clear").err
    assert "not tainted" in run(lathe, "tainted").err
    assert [finding for finding in lathe.run("doctor", "--json").document["findings"] if finding["what"] == "workspace"] == []


@pytest.mark.parametrize("level", LEVELS)
def test_no_file_is_born_with_the_right_of_its_owner(lathe, level):
    script = ("import os\n"
              "for flags in (os.O_CREAT, os.O_CREAT | os.O_TRUNC):\n"
              "    try: os.open('born', flags | os.O_WRONLY, 0o4755)\n"
              "    except PermissionError: print('refused')\n"
              "try: os.mknod('node', 0o104755)\n"
              "except PermissionError: print('refused')\n"
              "os.close(os.open('usual', os.O_CREAT | os.O_WRONLY, 0o755))\n")
    ran = run(lathe, "run", "--level", level, "--", "python3", "-c", script)
    if ran.code == 1 and "this machine gives level" in ran.err:
        pytest.skip(ran.err)
    assert ran.out == "refused\n" * 3, ran.err
    assert not any((lathe.cwd / name).exists() for name in ("born", "node")) and (lathe.cwd / "usual").exists()


def test_wrong_words_are_usage_errors(lathe):
    for words in (["run"], ["run", "--level", "most", "--", "true"], ["test", "--level", "most"],
                  ["run", "--mode", "free", "--", "true"]):
        assert run(lathe, *words).code == 1


def test_commands_of_a_session_are_confined(lathe, start_server, tmp_path):
    (lathe.cwd / ".env").write_text("KEY=very-secret-value\n")
    outside = tmp_path / "outside.txt"
    lathe.use(start_server(calls(shell(f"cat .env; echo x > {outside}; echo in > inside; ls ~")), says("Done.")))
    frames = lathe.ok("exec", "--json", "look").frames
    events = [frame["msg"] for frame in frames if "msg" in frame]
    level = next(event["sandbox"] for event in events if event["type"] == "session_configured")
    assert level in LEVELS
    begin = next(event for event in events if event["type"] == "exec_command_begin")
    assert begin["sandbox"] == level
    assert "very-secret-value" not in json.dumps(events)
    assert not outside.exists()
    assert (lathe.cwd / "inside").read_text() == "in\n"


def test_new_editor_tasks_are_put_aside_and_told(lathe, start_server):
    lathe.use(start_server(calls(shell("mkdir .vscode && echo evil > .vscode/tasks.json")), says("Done.")))
    events = [frame["msg"] for frame in lathe.ok("exec", "--json", "make it").frames if "msg" in frame]
    warnings = [event for event in events if event["type"] == "warning" and event.get("code") == "workspace_tainted"]
    assert len(warnings) == 1 and ".vscode" in warnings[0]["message"]
    assert not (lathe.cwd / ".vscode").exists()


def test_the_next_session_tells_of_the_taint(lathe, start_server):
    lathe.use(start_server(calls(shell("mkdir -p in/.git")), says("Done."), says("Hello."), says("Hello.")))
    def tainted(ran):
        return [event["message"] for event in ran.of_type("warning") if event.get("code") == "workspace_tainted"]
    (first,) = tainted(lathe.ok("exec", "--json", "make it"))
    (second,) = tainted(lathe.ok("exec", "--json", "hello"))
    assert "in/.git" in first and first in second and "lathe sandbox tainted --clear" in second
    run(lathe, "tainted", "--clear")
    assert tainted(lathe.ok("exec", "--json", "hello")) == []


def test_an_approved_escalation_is_outside_and_alone(lathe, start_server, tmp_path):
    """One command at a time: what comes after it in the same session is confined again."""
    made = tmp_path / "made"
    made.mkdir()
    lathe.use(start_server(
        calls(shell(f"echo a > {made}/first", sandbox_permissions="require_escalated", justification="it is needed")),
        calls(shell(f"echo b > {made}/second")), says("Done.")))
    lathe.fails(4, "exec", "--json", "--ask", "wait", "go")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    assert list(made.iterdir()) == []
    ran = lathe.ok("approvals", "answer", question["id"], "--approve", "--json")
    assert (made / "first").read_text() == "a\n"
    assert not (made / "second").exists()
    assert [begin["sandbox"] in LEVELS for begin in ran.of_type("exec_command_begin")] == [False, True]


def test_full_access_is_a_choice_that_is_shown(lathe, start_server, tmp_path):
    outside = tmp_path / "outside.txt"
    lathe.use(start_server(calls(shell(f"echo x > {outside}")), says("Done.")))
    ran = lathe.ok("exec", "--sandbox", "full-access", "write it")
    assert "full access" in ran.err and "not confined" in ran.err
    assert outside.read_text() == "x\n"
