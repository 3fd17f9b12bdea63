"""What a client has around it goes with its session: umask, limits, groups; never what the daemon's own start had."""
import os
import stat
import sys

import pytest

from frames import configure, connect, user_input
from support import calls, says, shell, tool


def with_shell(lathe, settings):
    """Programs start from a shell that was set so."""
    lathe.argv = lambda args: ["/bin/sh", "-c", f'{settings}; exec "$@"', "sh", lathe.program, *args]


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def outputs(messages):
    return [message["outcome"]["output"] for message in messages if message["type"] == "exec_command_end"]


def test_commands_and_file_tools_have_the_clients_umask_and_limits(lathe, start_server, repository, daemon):
    makes = "umask; ulimit -S -n; ulimit -H -c; touch {0}-by-command; mkdir {0}-folder"
    lathe.use(start_server(
        calls(shell(makes.format("first")), tool("write_file", path="first/by-tool", content="x")), says("One."),
        calls(shell(makes.format("second")), tool("write_file", path="second/by-tool", content="x")), says("Two.")))
    with_shell(lathe, "umask 077; ulimit -S -n 200")
    daemon()
    with_shell(lathe, "umask 027; ulimit -S -n 123; ulimit -c 0")
    first = lathe.ok("exec", "--json", "go")
    assert "0027\n123\n0\n" in outputs(first.messages)[0]
    # Wider than the daemon's own, and in the same session.
    with_shell(lathe, "umask 002; ulimit -S -n 124")
    second = lathe.ok("exec", "--json", "--resume", first.session, "go on")
    assert "0002\n124\n" in outputs(second.messages)[0]
    for name, file, folder in (("first", 0o640, 0o750), ("second", 0o664, 0o775)):
        made = {path: mode(repository / path)
                for path in (f"{name}-by-command", f"{name}/by-tool", f"{name}-folder", name)}
        assert made == {f"{name}-by-command": file, f"{name}/by-tool": file, f"{name}-folder": folder, name: folder}


def test_whoever_lends_nothing_gets_the_clean_default(lathe, start_server, repository, daemon):
    lathe.use(start_server(calls(shell("umask; ulimit -S -n; touch by-command"), tool("write_file", path="by-tool", content="x")),
                           says("Done.")))
    with_shell(lathe, "umask 077; ulimit -S -n 200")
    frames = connect(daemon())
    frames.ask("1", configure(repository))
    frames.ask("2", user_input("go"))
    (output,) = outputs([event["msg"] for event in frames.until("task_complete")])
    umask, files = output.splitlines()[-2:]
    assert umask == "0022" and files != "200"
    assert mode(repository / "by-command") == mode(repository / "by-tool") == 0o644


def test_what_is_no_limit_is_refused(daemon):
    frames = connect(daemon())
    answer = frames.ask("1", call={"type": "hello", "client": "test", "process": ["nofile=many"]})
    assert answer["error"]["code"] == "invalid" and "nofile=many" in answer["error"]["message"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may have other groups")
def test_commands_have_the_clients_groups(lathe, start_server, daemon):
    lathe.use(start_server(calls(shell("id -G")), says("One."), calls(shell("id -G")), says("Two.")))
    daemon()
    plain = lathe.argv
    own = sorted(set(os.getgroups()) | {os.getgid()})
    lathe.argv = lambda args: [sys.executable, "-c", "import os, sys; os.setgroups([4242, 4343]); os.execv(sys.argv[1], sys.argv[1:])",
                               *plain(args)]
    first = lathe.ok("exec", "--json", "--sandbox", "full-access", "go")
    assert {"4242", "4343"} < set(outputs(first.messages)[0].split())
    lathe.argv = plain
    second = lathe.ok("exec", "--json", "--sandbox", "full-access", "--resume", first.session, "go on")
    assert sorted(int(word) for word in outputs(second.messages)[0].split()[-len(own):]) == own
