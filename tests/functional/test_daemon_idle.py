"""A daemon ends when nobody needs it; whoever has a stream open over HTTP does."""
from support import PATIENCE, wait_until
from test_daemon_tcp import Client, token_of


def has_ended(program):
    # To ask for its status would be to need it.
    return '"msg":"stopped"' in (program.home / "state/daemon.log").read_text()


def test_an_open_stream_keeps_it(lathe, another_lathe, listen):
    token = token_of(lathe)
    lathe.variables["LATHE_DAEMON_IDLE_EXIT"] = "2s"
    watch = Client(listen(), token)
    watch.connection.request("GET", "/v1/watch", headers=watch.headers)
    stream = watch.connection.getresponse()
    assert stream.status == 200
    # One that began later and that nobody needs tells when the time is over.
    other = another_lathe("other")
    other.variables |= {"CI": None, "LATHE_DAEMON_IDLE_EXIT": "2s"}
    other.ok("daemon", "start")
    wait_until(lambda: has_ended(other), "the end of a daemon that nobody needs", seconds=2 * PATIENCE)
    assert not has_ended(lathe)
    stream.close()
    watch.connection.close()
    wait_until(lambda: has_ended(lathe), "its end")
