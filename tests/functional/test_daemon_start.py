"""The daemon that commands start by themselves, what it has of whoever started it, and how systemd starts it."""
import json
import os
import resource
import signal
import socket

import pytest

from support import calls, says, shell, wait_until


@pytest.fixture
def lathe(lathe):
    """Commands that start the daemon; it is stopped at the end."""
    lathe.variables.update({"CI": None, "LATHE_DAEMON_AUTO_START": None})
    yield lathe
    lathe.ok("daemon", "stop")
    log = lathe.home / "state/daemon.log"
    assert not log.exists() or "Sanitizer" not in log.read_text()


def status(lathe):
    return lathe.ok("daemon", "status", "--json").document


def environment_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        return dict(variable.split("=", 1) for variable in file.read().decode().split("\0") if "=" in variable)


def test_a_command_starts_it_and_lends_it_its_environment(lathe, start_server, repository):
    lathe.use(start_server(calls(shell("echo flags=$CFLAGS")), says("One."), calls(shell("echo flags=$CFLAGS")), says("Two.")))
    first = lathe.ok("exec", "--json", "go", env={"CFLAGS": "-O1", "SOME_TOKEN": "of nobody else"})
    assert "flags=-O1" in first.out
    daemon = status(lathe)
    assert os.getsid(daemon["pid"]) == daemon["pid"]
    assert os.readlink(f"/proc/{daemon['pid']}/cwd") == "/"
    kept = environment_of(daemon["pid"])
    assert kept["LATHE_HOME"] == str(lathe.home)
    assert "MOCK_KEY" not in kept and "SOME_TOKEN" not in kept
    second = lathe.ok("exec", "--json", "go", env={"CFLAGS": "-O2"})
    assert "flags=-O2" in second.out, "a command sees what its own client has"
    assert status(lathe)["pid"] == daemon["pid"]


def test_the_backends_of_a_client_are_those_of_its_own_variables(lathe, start_server):
    one, other = (start_server({"text": name, "repeat": -1}) for name in ("One.", "Other."))
    llmx = {"LLMX_API_KEY": "key-of-llmx", "LLMX_BASE_URL": one.url + "/v1"}
    anthropic = {"ANTHROPIC_API_KEY": "key-of-anthropic", "ANTHROPIC_BASE_URL": other.url}
    answers = [lathe.ok("exec", "go", env=variables).out for variables in (llmx, anthropic, llmx, {})]
    assert answers == ["One.\n", "Other.\n", "One.\n", "One.\n"]  # without any, what was lent last holds
    pid = status(lathe)["pid"]
    # A URL of one client never gets the key of another.
    assert lathe.ok("exec", "go", env={"LLMX_BASE_URL": other.url + "/v1"}).out == "Other.\n"
    assert "authorization" not in dict(other.requests()[-1]["headers"])
    assert lathe.ok("exec", "go", env=llmx).out == "One.\n"
    assert "authorization" in dict(one.requests()[-1]["headers"])
    assert status(lathe)["pid"] == pid


def test_whoever_starts_it_by_hand_lends_it_nothing(lathe, start_server):
    server = start_server({"text": "Paid by someone else.", "repeat": -1})
    keys = {"OPENAI_API_KEY": "key-of-the-starter", "OPENAI_BASE_URL": server.url + "/v1"}
    lathe.ok("daemon", "start", env=keys)
    lathe.ok("daemon", "start", env=keys)  # nor to one that runs
    assert "OPENAI_API_KEY" not in environment_of(status(lathe)["pid"])
    assert lathe.run("exec", "go").code != 0
    assert server.requests() == []
    assert lathe.ok("exec", "go", env=keys).out == "Paid by someone else.\n"


def test_a_limit_of_files_of_whoever_starts_it_does_not_end_it(lathe):
    log = lathe.home / "state/daemon.log"
    log.parent.mkdir(parents=True)
    log.write_text("x" * 600_000 + "\n")
    lathe.argv = lambda args: ["/bin/sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", lathe.program, *args]
    lathe.ok("daemon", "start")
    del lathe.argv
    daemon = status(lathe)
    with open(f"/proc/{daemon['pid']}/status") as file:
        ignored = next(int(line.split()[1], 16) for line in file if line.startswith("SigIgn:"))
    assert ignored & 1 << (signal.SIGXFSZ - 1)
    lathe.ok("session", "list")
    assert status(lathe)["pid"] == daemon["pid"]


def test_hard_limits_of_whoever_starts_it_are_raised_where_that_is_allowed(lathe):
    def nofile(pid):
        return resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]

    with open("/proc/self/status") as file:
        rights = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff:"))
    cap_sys_resource = 24
    first = nofile(1) if rights & 1 << cap_sys_resource else 0
    if first <= 512:
        pytest.skip("needs the right to raise them")
    lathe.argv = lambda args: ["/bin/sh", "-c", 'ulimit -n 512; exec "$@"', "sh", lathe.program, *args]
    lathe.ok("daemon", "start")
    del lathe.argv
    assert nofile(status(lathe)["pid"]) == first


def test_a_place_to_listen_at_is_taken_or_refused(lathe):
    for address in ("0.0.0.0:99999", "nowhere", "0.0.0.0:0"):
        lathe.fails(1, "daemon", "start", "--listen", address)
    assert lathe.fails(1, "daemon", "status", "--json").document == {"running": False}
    lathe.ok("daemon", "start")
    refused = lathe.fails(1, "daemon", "start", "--listen", "127.0.0.1:0")
    assert "does not listen at 127.0.0.1:0" in refused.err and "lathe daemon stop" in refused.err
    lathe.fails(1, "daemon", "start", "--listen", "0.0.0.0:99999")
    lathe.ok("daemon", "stop")
    lathe.ok("daemon", "start", "--listen", "127.0.0.1:0")
    for address in ("127.0.0.1:0", status(lathe)["listen"]):
        lathe.ok("daemon", "start", "--listen", address)


def test_what_a_person_should_know_is_told_through_it(lathe, start_server, repository):
    rules = repository / ".lathe/policies"
    rules.mkdir(parents=True)
    (rules / "p.yaml").write_text("rules:\n  - {commands: [touch], decision: deny}\n")
    lathe.use(start_server({"text": "Hi.", "repeat": -1}))
    for _ in range(2):  # each session, not the first one of the daemon only
        assert f"p.yaml is not trusted, so its rules are not loaded (lathe trust {repository})" in lathe.ok("exec", "go").err
    lathe.ok("backend", "add", "far", "--type", "openai", "--url", "http://far.invalid/v1", "--api-key-env", "MOCK_KEY")
    assert "far.invalid without encryption" in lathe.run("exec", "--backend", "far", "--model", "m", "go").err


def test_not_where_it_is_not_wanted(lathe, start_server):
    lathe.use(start_server())
    for how in ({"CI": "1"}, {"LATHE_DAEMON_AUTO_START": "never"}):
        lathe.ok("session", "list", env=how)
    lathe.ok("session", "list", "--embedded")
    assert lathe.fails(1, "daemon", "status", "--json").document == {"running": False}


def test_other_settings_get_another_one_unless_it_is_in_use(lathe, start_server):
    server = start_server(says("Half a sen", {"gate": "go"}, "tence."), says("Beside it."))
    lathe.use(server)
    lathe.ok("session", "list")
    first = status(lathe)
    # Variables: what a file says the daemon would take in itself.
    busy = lathe.start("exec", "first", env={"LATHE_BUDGET_TURNS": "50"})
    server.wait_at_gate("go")
    second = status(lathe)
    assert second["pid"] != first["pid"]
    assert [session["state"] for session in second["sessions"]] == ["running"]
    beside = lathe.ok("exec", "second", env={"LATHE_BUDGET_TURNS": "60"})
    assert beside.out == "Beside it.\n" and str(second["pid"]) in beside.err
    server.release("go")
    assert lathe.finish(busy).out == "Half a sentence.\n"
    assert status(lathe)["pid"] == second["pid"]


def test_one_that_takes_no_client_is_an_error(lathe):
    lathe.ok("session", "list")
    daemon = status(lathe)
    os.unlink(daemon["socket"])
    refused = lathe.fails(5, "session", "list")
    assert str(daemon["pid"]) in refused.err and "lathe daemon restart" in refused.err
    lathe.ok("session", "list", "--embedded")
    lathe.ok("daemon", "restart")
    assert status(lathe)["pid"] != daemon["pid"]


def test_its_log_can_be_followed(lathe):
    lathe.ok("daemon", "start")
    follower = lathe.start("daemon", "logs", "-f", "--json")
    assert "takes clients" in json.loads(follower.stdout.readline())["msg"]
    lathe.ok("daemon", "stop")
    assert "stopping" in json.loads(follower.stdout.readline())["msg"]
    os.killpg(follower.pid, signal.SIGTERM)
    follower.wait()


def test_systemd_listens_for_it(lathe):
    units = lathe.ok("daemon", "install", env={"XDG_CONFIG_HOME": str(lathe.home / "xdg")}).out.splitlines()
    text = "".join(open(unit).read() for unit in units)
    path = str(lathe.home / "run/daemon.sock")
    assert f"ListenStream={path}\n" in text and "daemon start --foreground" in text
    (lathe.home / "run").mkdir(parents=True, exist_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    folder = os.open(lathe.home / "run", os.O_PATH)  # the whole path may be too long
    listening.bind(f"/proc/self/fd/{folder}/daemon.sock")
    os.close(folder)
    listening.listen()
    waiting = lathe.start("session", "list")
    child = os.fork()
    if child == 0:  # what systemd does once a client has come
        try:
            os.dup2(listening.fileno(), 3)
            os.set_inheritable(3, True)
            environment = lathe.environment(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
            os.execve(lathe.program, [lathe.program, "daemon", "start", "--foreground"], environment)
        finally:
            os._exit(127)
    assert lathe.finish(waiting).code == 0
    assert status(lathe)["pid"] == child
    lathe.ok("daemon", "stop")
    assert os.waitpid(child, 0)[1] == 0
    assert os.path.exists(path), "the name is systemd's"
    listening.close()
