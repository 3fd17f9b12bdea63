"""The daemon's log: the course of Tasks, by ids and codes, and nothing of what was said."""
import json
import signal

from support import calls, says, shell, wait_until
from test_attach import read_until

MOST_BYTES = 8 << 20


def lines_of(lathe):
    return [json.loads(line) for line in lathe.ok("daemon", "logs", "--json").out.splitlines()]


def test_tasks_are_told_with_their_ids_and_without_their_words(lathe, start_server, daemon):
    lathe.use(start_server(calls(shell("echo moonshine")), says("Starlight."), {"error": {"status": 400, "message": "cometdust"}}))
    daemon()
    ran = lathe.ok("exec", "--json", "sunshine please")
    started = ran.of_type("task_started")[0]
    lathe.run("exec", "nightfall please")
    lines = lines_of(lathe)
    assert all({"ts", "level", "pid", "msg"} <= set(line) for line in lines)
    (begun,) = [line for line in lines if line["msg"] == "task started" and line["task"] == started["task"]]
    (ended,) = [line for line in lines if line["msg"] == "task complete"]
    assert ended["task"] == started["task"] and ended["session"] == begun["session"] and ended["turns"] == 2
    assert [line["level"] for line in lines if line["msg"] == "task failed"] == ["warning"]
    text = (lathe.home / "state/daemon.log").read_text()
    for word in ("moonshine", "Starlight", "sunshine", "nightfall", "cometdust", "key-of-the-test"):
        assert word not in text
    assert f"task complete  session={ended['session']}  task={ended['task']}  turns=2" in lathe.ok("daemon", "logs").out


def test_a_long_log_is_put_aside_while_the_daemon_runs(lathe, start_server, daemon):
    lathe.use(start_server(says("One.")))
    log = lathe.home / "state/daemon.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"ts": 1, "level": "info", "pid": 1, "msg": "long ago"}) + "\n"
    log.write_text(line * (MOST_BYTES // len(line)))  # just short of it
    following = lathe.start("daemon", "logs", "-f", "--json")
    read_until(following, "long ago")
    status = daemon()
    lathe.ok("exec", "go")
    wait_until(lambda: (log.parent / "daemon.log.old").exists() and "task complete" in log.read_text(), "another log")
    assert log.stat().st_size < 100_000
    assert lathe.ok("daemon", "status", "--json").document["pid"] == status["pid"]
    assert "task complete" in read_until(following, '"msg":"task complete"')
    following.send_signal(signal.SIGINT)
    assert "task complete" in {told["msg"] for told in lines_of(lathe)}
