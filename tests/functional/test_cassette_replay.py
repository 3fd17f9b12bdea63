"""A recording replays offline: with real tools, or with every answer from outside."""
import json

import pytest

from support import Terminal, apply_patch, calls, gate, in_a_session, says, shell, tool, wait_until


@pytest.fixture
def cassette(lathe, start_server, tmp_path):
    server = start_server(calls(shell("echo $((6*7)) >> answer.txt; cat answer.txt")), says("It is 42."))
    lathe.use(server)
    lathe.ok("exec", "--record", str(tmp_path / "tape.cassette"), "work it out")
    server.stop()
    (lathe.cwd / "answer.txt").unlink()
    return str(tmp_path / "tape.cassette")


def test_replay_of_the_model_runs_the_tools(lathe, cassette):
    ran = lathe.ok("exec", "--json", "--replay", cassette, "--replay-mode", "model", "work it out")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "It is 42."
    assert (lathe.cwd / "answer.txt").read_text() == "42\n"
    assert ran.messages[0]["replayed"] is True


def test_replay_of_everything_touches_nothing(lathe, cassette):
    ran = lathe.ok("exec", "--replay", cassette, "--replay-mode", "all", "work it out")
    assert "It is 42." in ran.out
    assert "record" in ran.err.lower() or "replay" in ran.err.lower()
    assert not (lathe.cwd / "answer.txt").exists()


def test_a_backend_named_beside_a_recording_is_one_that_there_is(lathe, cassette):
    ran = lathe.fails(1, "exec", "--replay", cassette, "--backend", "mok", "work it out")
    assert 'no backend "mok"' in ran.err and "mock" in ran.err
    assert "It is 42." in lathe.ok("exec", "--replay", cassette, "--backend", "mock", "work it out").out


def test_a_request_that_differs_fails_and_shows_where(lathe, cassette):
    ran = lathe.run("exec", "--json", "--replay", cassette, "--replay-mode", "model", "work something else out")
    assert ran.code == 5, str(ran)
    error = ran.of_type("error")[-1]
    assert error["code"] == "cassette_mismatch"
    assert "something else" in error["message"] + error.get("hint", "")


def test_a_recording_holds_no_key(lathe, cassette):
    with open(cassette) as tape:
        assert "key-of-the-test" not in tape.read()


def test_a_refused_run_leaves_the_recording_that_was_there(lathe, cassette, tmp_path):
    before = open(cassette).read()
    text = tmp_path / "text.png"
    text.write_text("no image\n")
    for refused in (["--resume", "zzz"], ["--model", "mokc/foo"], ["--cwd", str(text)], ["--image", str(text)],
                    ["--max-usd", "1"]):
        ran = lathe.run("exec", "--record", cassette, *refused, "work it out")
        assert ran.code != 0 and open(cassette).read() == before, str(ran)
    lathe.ok("backend", "add", "gone", "--type", "ollama", "--url", "http://127.0.0.1:9")
    lathe.fails(5, "exec", "--record", cassette, "--model", "gone/m", "work it out")  # asked, but nobody answers
    assert open(cassette).read() == before
    lathe.fails(1, "exec", "--record", str(tmp_path / "new.cassette"), "--resume", "zzz", "work it out")
    assert not (tmp_path / "new.cassette").exists()
    assert lathe.run("exec", "--record", str(tmp_path / "nowhere" / "new.cassette"), "work it out").code != 0


def test_what_a_cassette_answered_is_told_apart_wherever_it_appears(lathe, cassette):
    real = lathe.ok("session", "list", "--json").document["sessions"][0]["session_id"]
    ran = lathe.ok("exec", "--json", "--replay", cassette, "--replay-mode", "all", "work it out")
    assert "recording" in ran.err
    shown, plain = lathe.ok("session", "list").out.splitlines()[1:]
    assert "recording" in shown and "recording" not in plain
    assert "recording" in lathe.ok("session", "show", ran.session).out
    assert "recording" in lathe.ok("session", "export", "--format", "md", ran.session).out
    assert "recording" not in lathe.ok("session", "show", real).out
    found = [line for line in lathe.ok("session", "search", "42").out.splitlines() if ran.session in line]
    assert found and all("recording" in line for line in found)
    for by in ("day", "model", "session", "folder"):
        rows = lathe.ok("usage", "--by", by, "--json").document["rows"]
        assert [row["key"].endswith("(recording)") for row in rows].count(True) == 1, rows
    codex = lathe.ok("exec", "--json=codex", "--replay", cassette, "--replay-mode", "all", "work it out")
    assert "recording" in codex.err and "recording" in codex.out.splitlines()[1]


def test_a_backend_that_is_named_cassette_is_no_recording(lathe, start_server):
    server = start_server(says("I am real."))
    lathe.variables["MOCK_KEY"] = "key-of-the-test"
    lathe.ok("backend", "add", "cassette", "--type", "openai-chat", "--url", server.url + "/v1", "--api-key-env", "MOCK_KEY")
    ran = lathe.ok("exec", "--json", "--model", "cassette/mock", "go")
    assert ran.messages[0].get("replayed", False) is False
    (row,) = lathe.ok("usage", "--by", "model", "--json").document["rows"]
    assert row["key"] == "cassette/mock"


def test_a_recorded_session_does_not_go_on_by_itself(lathe, cassette):
    ran = lathe.ok("exec", "--json", "--replay", cassette, "--replay-mode", "all", "work it out")
    ran = lathe.fails(1, "exec", "--resume", ran.session, "go on")
    assert "recording" in ran.err and "--model" in ran.err


@pytest.fixture
def whole(lathe, start_server, tmp_path):
    """A recording made in a folder with instructions and a skill of its own, a sub-agent in it."""
    (lathe.cwd / "AGENTS.md").write_text("Speak French.\n")
    skill = lathe.home / "skills" / "brew"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text("---\nname: brew\ndescription: How coffee is made.\n---\nWith hot water.\n")
    server = start_server(calls(shell("cat AGENTS.md")), calls(tool("spawn_agent", prompt="count")), says("One, two."),
                          says("C'est fait."))
    lathe.use(server)
    ran = lathe.ok("exec", "--json", "--record", str(tmp_path / "tape.cassette"), "with $brew please")
    assert "How coffee" in str(server.requests()[0]["body"]) and "With hot water" in str(server.requests()[0]["body"])
    server.stop()
    return str(tmp_path / "tape.cassette"), ran


def told(ran):
    """What the model said, which it says only when it was asked as in the recording, results of its calls included."""
    return [message["text"] for message in ran.of_type("agent_message")]


def test_replay_of_everything_works_in_another_folder_with_other_instructions(lathe, whole, tmp_path):
    cassette, recorded = whole
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "AGENTS.md").write_text("Speak German.\n")
    (lathe.home / "skills" / "brew" / "SKILL.md").unlink()
    environment = {"MOCK_KEY": None}
    ran = lathe.ok("exec", "--json", "--replay", cassette, "--replay-mode", "all", "with $brew please", cwd=elsewhere,
                   env=environment)
    assert told(ran) == told(recorded)
    (lathe.cwd / "AGENTS.md").write_text("Speak German.\n")
    ran = lathe.ok("exec", "--json", "--replay", cassette, "--replay-mode", "all", "with $brew please")
    assert told(ran) == told(recorded)
    # In mode "model" the folder is the one that counts.
    ran = lathe.run("exec", "--json", "--replay", cassette, "--replay-mode", "model", "with $brew please")
    assert ran.code == 5 and "German" in ran.of_type("error")[-1]["message"]


def test_a_replay_knows_the_window_of_the_recorded_model(lathe, start_server, tmp_path):
    server = start_server(says("Small."))
    lathe.use(server)
    (lathe.home / "models.yaml").write_text("models:\n  mock: {window: 123456}\n")
    tape = str(tmp_path / "tape.cassette")
    lathe.ok("exec", "--record", tape, "go")
    (lathe.home / "models.yaml").unlink()
    ran = lathe.ok("exec", "--json", "--replay", tape, "--replay-mode", "all", "go")
    assert ran.of_type("task_started")[0]["context_window"] == 123456


def replayed(lathe, tape, *options):
    return lathe.ok("exec", "--json", *options, "--replay", tape, "--replay-mode", "all", "go")


def test_a_call_that_was_declined_is_declined_again(lathe, start_server, tmp_path):
    server = start_server(calls(shell("echo ran >> effects.txt")), says("Then not."))
    lathe.use(server)
    tape = str(tmp_path / "tape.cassette")
    lathe.ok("config", "set", "approval-policy", "untrusted")
    recorded = lathe.ok("exec", "--json", "--ask", "deny", "--record", tape, "go")
    server.stop()
    # Now the gate itself would let it run.
    lathe.ok("config", "set", "approval-policy", "on-request")
    ran = replayed(lathe, tape)
    assert told(ran) == told(recorded) == ["Then not."]
    (end,) = ran.of_type("exec_command_end")
    assert end["outcome"]["status"] == "declined"


def test_what_a_person_changed_is_changed_again(lathe, start_server, tmp_path):
    server = start_server(calls(shell("mkdir as-asked")), says("Finished."))
    lathe.use(server)
    tape = str(tmp_path / "tape.cassette")
    lathe.ok("config", "set", "approval-policy", "untrusted")
    terminal = Terminal(lathe, "exec", "--record", tape, "go")
    terminal.expect("end the task: ")
    terminal.type("e")
    terminal.expect("ask again): ")
    terminal.type("echo as-changed\n")
    assert terminal.wait() == 0
    result = str(server.requests()[1]["body"])
    assert "A person changed the arguments" in result
    server.stop()
    ran = replayed(lathe, tape, "--ask", "deny")
    assert told(ran) == ["Finished."]
    (end,) = ran.of_type("exec_command_end")
    assert "as-changed" in end["outcome"]["output"]


def test_the_end_of_a_job_is_told_again(lathe, start_server, repository, tmp_path):
    script = "until test -e go; do sleep 0.01; done; echo finished; exit 3"
    server = start_server(calls(shell(script, background=True)), calls(shell("touch go; until test -e seen; do sleep 0.01; done")),
                          says("Done."))
    lathe.use(server)
    tape = str(tmp_path / "tape.cassette")
    process = lathe.start("exec", "--json", "--record", tape, "go")

    # The second command holds the Turn open until the job's end is in the journal.
    wait_until(lambda: in_a_session(lathe.home, "journal.ndjson", '"job_end"'), "the job's end in the journal")
    (repository / "seen").touch()
    recorded = lathe.finish(process)
    assert recorded.code == 0, str(recorded)
    server.stop()
    news = [context["text"] for context in recorded.of_type("context_added") if "exit code 3" in context["text"]]
    assert len(news) == 1
    ran = replayed(lathe, tape)
    assert told(ran) == ["Done."]
    assert [context["text"] for context in ran.of_type("context_added") if "exit code 3" in context["text"]] == news
    (end,) = ran.of_type("job_end")
    assert end["exit_code"] == 3 and end["tail"] == "finished\n"
    assert told_of(lathe, ran.session) == told_of(lathe, recorded.session)


def test_a_replay_tells_the_same_items_as_the_recorded_run(lathe, start_server, tmp_path):
    patch = "*** Begin Patch\n*** Add File: new.txt\n+new\n*** End Patch"
    server = start_server(calls(shell("echo one; exit 3")), calls(apply_patch(patch)),
                          calls(shell("sleep 1000", background=True)), says("Done."))
    lathe.use(server)
    tape = str(tmp_path / "tape.cassette")
    recorded = lathe.ok("exec", "--json=codex", "--record", tape, "go").frames
    server.stop()
    (lathe.cwd / "new.txt").unlink()
    ran = lathe.ok("exec", "--json=codex", "--replay", tape, "--replay-mode", "all", "go").frames
    items = [[event["item"] for event in frames if event["type"] == "item.completed" and event["item"]["type"] != "error"]
             for frames in (recorded, ran)]
    without_ids = [[{name: value for name, value in item.items() if name != "id"} for item in run] for run in items]
    assert [item["type"] for item in without_ids[0]] == ["command_execution", "file_change", "command_execution",
                                                         "agent_message"]
    assert without_ids[1] == without_ids[0]
    assert not (lathe.cwd / "new.txt").exists()
    # The job that the end of the run ended has ended in the replay as well.
    newest, oldest = [row["session_id"] for row in lathe.ok("session", "list", "--json").document["sessions"]]
    assert told_of(lathe, newest) == told_of(lathe, oldest)


def told_of(lathe, session):
    """The session's records without what every run has of its own: ids of items and Turns, times, durations."""
    kept = ("type", "text", "kind", "calls", "call_id", "session", "status", "last_agent_message", "usage", "turns", "tool_calls",
            "command", "changes", "job", "state", "exit_code")
    records = [json.loads(line)["msg"] for line in lathe.ok("session", "export", session).out.splitlines()]
    return [{name: value for name, value in record.items() if name in kept} for record in records]


@pytest.mark.parametrize("ends", ["behind the answer", "while the parent is answered"])
def test_a_background_agent_ends_where_it_did(lathe, start_server, tmp_path, ends):
    server = start_server(
        calls(tool("spawn_agent", prompt="child-task: look", background=True)),
        {**says(gate("child"), "The child looked."), "when": {"body_contains": "child-task", "tool_results": 0}},
        {**says("Wait", gate("parent"), "ing."), "when": {"tool_results": 1}},
        {**says("Got it."), "when": {"body_contains": "The child looked."}})
    lathe.use(server)
    tape = str(tmp_path / "tape.cassette")
    process = lathe.start("exec", "--json", "--record", tape, "go")
    server.wait_at_gate("child")
    server.wait_at_gate("parent")
    first, second, sign = ("parent", "child", '"Waiting."') if ends == "behind the answer" else ("child", "parent", '"agent_ended"')
    server.release(first)
    wait_until(lambda: in_a_session(lathe.home, "journal.ndjson", sign), sign)
    server.release(second)
    recorded = lathe.finish(process)
    assert recorded.code == 0, str(recorded)
    server.stop()
    ran = replayed(lathe, tape)
    assert told(ran) == ["Waiting.", "Got it."]
    assert told_of(lathe, ran.session) == told_of(lathe, recorded.session)
    assert ran.of_type("task_complete")[0]["turns"] == recorded.of_type("task_complete")[0]["turns"] == 4
    # The sub-agent whose end is told is that of the recording; there is no other.
    assert len(lathe.ok("session", "list", "--all", "--json").document["sessions"]) == 3


def test_a_recording_of_a_task_that_parked_ends_there_and_says_so(lathe, start_server, tmp_path):
    server = start_server(calls(shell("echo ran >> effects.txt")), says("Finished."))
    lathe.use(server)
    tape = str(tmp_path / "tape.cassette")
    lathe.ok("config", "set", "approval-policy", "untrusted")
    lathe.fails(4, "exec", "--ask", "wait", "--record", tape, "go")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    lathe.ok("approvals", "answer", question["id"], "--approve")
    server.stop()
    for ask in ("wait", "deny"):
        ran = lathe.fails(5, "exec", "--json", "--ask", ask, "--replay", tape, "--replay-mode", "all", "go")
        error = ran.of_type("error")[-1]
        assert error["code"] == "cassette_mismatch" and "parked there" in error["message"], error
    assert lathe.ok("approvals", "list", "--json").document["questions"] == []


def test_a_limit_in_usd_holds_by_the_recorded_prices_and_nothing_is_paid(lathe, start_server, tmp_path):
    server = start_server(calls(shell("true")), says("Cheap."))
    lathe.use(server)
    (lathe.home / "models.yaml").write_text("models:\n  mock: {window: 123456, input: 1, output: 2}\n")
    tape = str(tmp_path / "tape.cassette")
    lathe.ok("exec", "--max-usd", "1", "--record", tape, "go")
    server.stop()
    (lathe.home / "models.yaml").unlink()
    # Asked as it was then, which the limit is part of: how much the answer may cost at most.
    assert told(replayed(lathe, tape, "--max-usd", "1")) == ["Cheap."]
    rows = lathe.ok("usage", "--by", "model", "--json").document["rows"]
    (row,) = [row for row in rows if row["key"].endswith("(recording)")]
    assert row["cost_micro_usd"] == 0
