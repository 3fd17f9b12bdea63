"""The daemon's log: the course of Tasks, by ids and codes, and nothing of what was said."""
import json

from support import calls, says, shell


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
