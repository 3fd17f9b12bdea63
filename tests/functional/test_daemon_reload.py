"""What a person edits holds from the next Task on, without a restart of the daemon; what is broken is told, and nothing of it
holds."""
import json
import os
import signal

from frames import configure, connect, user_input
from support import calls, gate, says, shell, wait_until


def test_the_next_task_is_by_what_was_edited(lathe, start_server, repository, daemon):
    before = start_server(says("Half", gate("hold"), " by the first."))
    lathe.use(before)
    status = daemon()
    frames = connect(status)
    frames.ask("1", configure(repository))
    frames.ask("2", user_input("one"))
    before.wait_at_gate("hold")
    lathe.use(start_server(says("By the second."), says("By the second again.")))
    before.release("hold")
    assert frames.until("task_complete", "error")[-1]["msg"].get("last_agent_message") == "Half by the first."
    frames.ask("3", user_input("two"))
    assert frames.until("task_complete", "error")[-1]["msg"].get("last_agent_message") == "By the second."
    # A front end finds the daemon set as it is itself, although that is in use.
    through = lathe.ok("exec", "three")
    assert through.out == "By the second again.\n" and str(status["pid"]) not in through.err
    assert lathe.ok("daemon", "status", "--json").document["pid"] == status["pid"]


def test_a_session_follows_the_edit_where_nobody_chose_for_it(lathe, start_server, repository, daemon):
    lathe.use(start_server(says("One."), calls(shell("cat greeting.txt"))))
    frames = connect(daemon())
    frames.ask("1", configure(repository, ask="deny"))
    frames.ask("2", user_input("one"))
    frames.until("task_complete")
    lathe.ok("config", "set", "approval-policy", "untrusted")
    lathe.ok("config", "set", "budget.turns", "1")
    frames.ask("3", user_input("two"))
    events = frames.until("task_started")
    (configured,) = [event["msg"] for event in events if event["msg"]["type"] == "session_configured"]
    assert configured["approval_policy"] == "untrusted" and events[-1]["msg"]["budget"]["turns"] == 1
    assert frames.until("error")[-1]["msg"]["code"] == "budget_exceeded"


def test_a_broken_edit_is_told_and_what_was_set_before_holds(lathe, start_server, repository, daemon):
    lathe.use(start_server(says("As before."), says("Mended.")))
    frames = connect(daemon())
    frames.ask("1", configure(repository))
    file = lathe.home / "config.yaml"
    good = file.read_text()
    place = f"config.yaml:{good.count(chr(10)) + 2}:10: "
    file.write_text(good + "budget:\n  turns: many\n")
    frames.ask("2", user_input("one"))
    events = frames.until("task_complete", "error")
    (told,) = [event["msg"]["message"] for event in events if event["msg"].get("code") == "settings"]
    assert place in told and events[-1]["msg"].get("last_agent_message") == "As before."
    assert place in lathe.ok("daemon", "status").out
    assert place in lathe.ok("daemon", "status", "--json").document["settings_problem"]
    refused = frames.ask("3", call={"type": "daemon_reload"})["error"]
    assert refused["code"] == "invalid" and place in refused["message"]
    file.write_text(good)
    assert "reply" in frames.ask("4", call={"type": "daemon_reload"})
    frames.ask("5", user_input("two"))
    events = frames.until("task_complete", "error")
    assert events[-1]["msg"].get("last_agent_message") == "Mended."
    assert not [event for event in events if event["msg"].get("code") == "settings"]


def test_what_is_broken_keeps_nobody_from_what_is_recorded(lathe, start_server, daemon):
    lathe.use(start_server(says("Hello."), says("As before.")))
    daemon()
    lathe.ok("exec", "go")
    file, models = lathe.home / "config.yaml", lathe.home / "models.yaml"
    good = file.read_text()
    file.write_text(good + "budget:\n  turns: many\n")
    told = lathe.ok("session", "list", "--json")
    assert "config.yaml:" in told.err and len(told.document["sessions"]) == 1
    again = lathe.ok("exec", "again")  # the daemon that runs holds to what was set before
    assert again.out == "As before.\n" and "config.yaml:" in again.err
    assert "config.yaml:" in lathe.fails(1, "exec", "--embedded", "again").err
    lathe.ok("daemon", "stop")
    # Where a daemon would be started, and cannot be.
    file.write_text(good)
    models.write_text("models: 5\n")
    starts = {"LATHE_DAEMON_AUTO_START": None}
    assert "models.yaml:1:9:" in lathe.ok("session", "list", "--json", env=starts).err
    assert "models.yaml:1:9:" in lathe.fails(1, "exec", "go", env=starts).err
    models.unlink()


def test_a_broken_rule_file_is_told_until_it_is_mended(lathe, start_server, repository, daemon):
    lathe.use(start_server(says("One."), says("Two.")))
    frames = connect(daemon())
    frames.ask("1", configure(repository))
    rules = lathe.home / "policies"
    rules.mkdir(exist_ok=True)
    (rules / "mine.yaml").write_text("rules: [\n")
    frames.ask("2", user_input("one"))
    events = frames.until("task_complete", "error")
    assert [event for event in events if event["msg"].get("code") == "settings" and "mine.yaml:" in event["msg"]["message"]]
    (rules / "mine.yaml").unlink()
    frames.ask("3", user_input("two"))
    assert not [event for event in frames.until("task_complete", "error") if event["msg"].get("code") == "settings"]


def test_a_broken_edit_of_a_skill_or_an_agent_is_told_and_changes_nothing(lathe, start_server, repository, daemon):
    files = {"skills/pdf/SKILL.md": "---\nname: pdf\ndescription: Reads PDFs.\n---\nUse pdftotext.\n",
             "agents/reviewer.md": "---\ndescription: Reviews changes.\n---\nBe strict.\n"}
    for name, text in files.items():
        (lathe.home / name).parent.mkdir(parents=True)
        (lathe.home / name).write_text(text)
    server = start_server(says("One."), says("Two."))
    lathe.use(server)
    frames = connect(daemon())
    frames.ask("1", configure(repository))
    frames.ask("2", user_input("one"))
    frames.until("task_complete", "error")
    for name in files:
        (lathe.home / name).write_text("---\ndescription: [\n---\n")
    frames.ask("3", user_input("two"))
    told = [event["msg"]["message"] for event in frames.until("task_complete", "error") if event["msg"].get("code") == "catalog"]
    assert sorted(name for name in files for message in told if name in message and "what it said before holds" in message) == sorted(files)
    for request in server.requests():
        body = json.dumps(request["body"])
        assert "Reads PDFs." in body and "Reviews changes." in body


def test_a_hang_up_has_it_read_them_again(lathe, daemon):
    status = daemon()
    lathe.ok("config", "set", "budget.turns", "50")
    os.kill(status["pid"], signal.SIGHUP)
    wait_until(lambda: "read again" in (lathe.home / "state/daemon.log").read_text(), "the new settings")
    assert lathe.ok("daemon", "status", "--json").document["pid"] == status["pid"]
