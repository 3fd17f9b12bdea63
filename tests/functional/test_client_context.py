"""What a client has around it goes with its session: folder, umask, limits, groups; never what the daemon's own start had."""
import contextlib
import os
import select
import socket
import stat
import sys

import pytest

from frames import configure, connect, user_input
from support import PATIENCE, calls, says, shell, tool
from test_daemon_tcp import token_of


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


@contextlib.contextmanager
def opened(path, flags=os.O_PATH):
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    yield descriptor
    os.close(descriptor)


def folder_of(frames):
    return frames.until("session_configured")[-1]["msg"]["cwd"]


def test_the_folder_that_is_sent_decides_where_a_session_works(lathe, start_server, repository, daemon, tmp_path):
    lathe.use(start_server(calls(shell("touch by-command"), tool("write_file", path="by-tool", content="x")), says("Done.")))
    other = tmp_path / "other"
    other.mkdir()
    frames = connect(daemon())
    assert "folder" in frames.ask("h", call={"type": "hello", "client": "test"})["reply"]["features"]
    with opened(other) as descriptor:
        assert "ack" in frames.ask_with(descriptor, "1", configure(repository))
    assert folder_of(frames) == str(other)
    frames.ask("2", user_input("go"))
    frames.until("task_complete")
    assert {"by-command", "by-tool"} <= set(os.listdir(other))
    assert not {"by-command", "by-tool"} & set(os.listdir(repository))
    frames.ask("3", configure(repository))
    assert folder_of(frames) == str(repository)


def test_a_folder_that_was_sent_and_cannot_be_worked_in_is_named(lathe, start_server, repository, daemon, tmp_path):
    lathe.use(start_server())
    frames = connect(daemon())
    with opened(repository / "greeting.txt", os.O_RDONLY) as descriptor:
        error = frames.ask_with(descriptor, "1", configure(repository))["error"]
    assert error["code"] == "invalid" and str(repository) in error["message"]
    gone = tmp_path / "gone"
    gone.mkdir()
    with opened(gone) as descriptor:
        gone.rmdir()
        error = frames.ask_with(descriptor, "2", configure(repository))["error"]
    assert error["code"] == "not_found" and str(gone) in error["message"] and str(repository) in error["message"]
    assert "ack" in frames.ask("3", configure(repository))
    assert folder_of(frames) == str(repository)


def test_a_folder_sent_by_whoever_speaks_for_another_is_nothing(lathe, start_server, repository, daemon, tmp_path):
    lathe.use(start_server())
    frames = connect(daemon())
    features = frames.ask("h", call={"type": "hello", "client": "test", "relayed": True, "token": token_of(lathe)})["reply"]["features"]
    assert "relay" in features and "folder" not in features
    with opened(tmp_path) as descriptor:
        assert "ack" in frames.ask_with(descriptor, "1", configure(repository))
    assert folder_of(frames) == str(repository)


@contextlib.contextmanager
def between(status):
    """A socket in the place of the daemon's, and what the daemon is connected to by meanwhile."""
    path = status["socket"]
    os.rename(path, path + ".own")
    folder = os.open(os.path.dirname(path), os.O_PATH)  # the whole path may be too long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        listener.listen()
        listener.settimeout(PATIENCE)
        try:
            yield listener, {"socket": path + ".own"}
        finally:
            os.rename(path + ".own", path)
            os.close(folder)


def pass_on(client, daemon, before):
    """Passes on all that two sockets say, descriptors among it, until both have ended. `before(bytes)` is called ahead of
    what the client says. Returns how many descriptors came."""
    others = {client: daemon, daemon: client}
    came = 0
    while others:
        ready, _, _ = select.select(list(others), [], [], PATIENCE)
        assert ready, "nobody says anything"
        for one in ready:
            data, descriptors, _, _ = socket.recv_fds(one, 1 << 16, 8)
            if one is client:
                before(data)
                came += len(descriptors)
            with contextlib.suppress(OSError):  # it is gone already
                if data:
                    socket.send_fds(others[one], [data], descriptors)
                else:
                    others[one].shutdown(socket.SHUT_WR)
            for descriptor in descriptors:
                os.close(descriptor)
            if not data:
                del others[one]
    return came


@pytest.mark.parametrize("words", [[], ["--cwd", "."]], ids=["here", "named"])
def test_a_folder_that_is_renamed_while_its_client_holds_it_is_followed(lathe, start_server, repository, daemon, tmp_path, words):
    lathe.use(start_server(calls(shell("touch by-command"), tool("write_file", path="by-tool", content="x")), says("Done.")))
    moved = tmp_path / "moved"

    def rename(said):
        if b'"configure_session"' in said:
            repository.rename(moved)

    with between(daemon()) as (listener, behind):
        process = lathe.start("exec", "--json", *words, "go")
        client, _ = listener.accept()
        with client, connect(behind).connection as own:
            assert pass_on(client, own, rename) == 1
        lathe.cwd = moved
        ran = lathe.finish(process)
    assert ran.code == 0, str(ran)
    assert {configured["cwd"] for configured in ran.of_type("session_configured")} == {str(moved)}
    assert {"by-command", "by-tool"} <= set(os.listdir(moved)) and not repository.exists()
