"""What the model is given: results within bounds and in order, project documents, a summary when it gets long."""
import json

import pytest

from support import WIRES, Terminal, calls, says, shell


def told(request):
    """The outputs of calls in a Responses request, in order."""
    return [item for item in request["body"]["input"] if item["type"] == "function_call_output"]


def test_long_output_is_cut_for_the_model_and_kept_whole(lathe, start_server):
    server = start_server(calls(shell("seq 1 200000; echo the end")), says("Long."))
    lathe.use(server)
    lathe.ok("config", "set", "tool-output-tokens", "1000")
    ran = lathe.ok("exec", "--json", "count")
    (end,) = ran.of_type("exec_command_end")
    outcome = end["outcome"]
    assert outcome["output_bytes"] > 1_000_000 and len(outcome["output"].encode()) <= 4000
    assert "\n1\n2\n3\n" in "\n" + outcome["output"] and outcome["output"].rstrip().endswith("the end")
    assert told(server.requests()[1])[0]["output"] == outcome["output"]
    (blob,) = [path for path in lathe.home.rglob("*") if path.is_file() and outcome["output_blob"] in str(path).replace("/", "")]
    kept = blob.read_bytes()
    assert kept.startswith(b"1\n2\n3\n") and kept.endswith(b"the end\n")


def test_documents_are_read_from_the_root_down_and_again_after_an_edit(lathe, start_server, repository):
    (repository / "AGENTS.md").write_text("Root says: use tabs.\n")
    deep = repository / "src" / "deep"
    deep.mkdir(parents=True)
    (deep / "AGENTS.md").write_text("Deep says: no tabs.\n")
    server = start_server(says("Read."), says("Read again."))
    lathe.use(server)
    session = lathe.ok("exec", "--json", "--cwd", str(deep), "look").session
    first = json.dumps(server.requests()[0]["body"])
    assert 0 < first.index("Root says: use tabs.") < first.index("Deep says: no tabs.")
    (deep / "AGENTS.md").write_text("Deep says: spaces only.\n")
    lathe.ok("exec", "--cwd", str(deep), "--resume", session, "look again")
    second = json.dumps(server.requests()[1]["body"])
    assert "Deep says: spaces only." in second
    assert server.control("prefix_breaks") == []


def test_a_document_that_cannot_be_read_costs_nothing_but_itself(lathe, start_server, repository):
    (repository / "AGENTS.md").write_text("Root says: use tabs.\n")
    deep = repository / "src" / "deep"
    deep.mkdir(parents=True)
    loop = repository / "src" / "AGENTS.md"
    loop.symlink_to("AGENTS.md")
    (deep / "AGENTS.md").mkdir()
    (deep / "CLAUDE.md").write_bytes(b"Deep says: \xff no tabs.\n")
    server = start_server(says("Read."), says("Read again."), says("And again."))
    lathe.use(server)
    ran = lathe.ok("exec", "--json", "--cwd", str(deep), "look")
    sent = json.dumps(server.requests()[0]["body"], ensure_ascii=False)
    assert 0 < sent.index("Root says: use tabs.") < sent.index("Deep says: \ufffd no tabs.")
    told = [warning["message"] for warning in ran.of_type("warning") if warning["code"] == "project_docs"]
    assert [message.split(":")[0] for message in told] == [str(loop), str(deep / "AGENTS.md"), str(deep / "CLAUDE.md")]
    again = lathe.ok("exec", "--json", "--cwd", str(deep), "--resume", ran.session, "look again")
    assert "are gone" not in json.dumps(server.requests()[1]["body"])
    assert [message for message in again.of_type("context_added") if message["kind"] == "project_docs"] == []
    text = lathe.ok("exec", "--cwd", str(deep), "in words").err
    assert str(loop) in text and "symbolic links" in text


@pytest.mark.parametrize("wire", WIRES)
def test_a_conversation_that_is_too_long_is_compacted_and_goes_on(lathe, start_server, wire):
    too_long = {"error": {"status": 400, "code": "context_length_exceeded", "message": "prompt is too long: maximum context length"}}
    server = start_server(calls(shell("echo one")), calls(shell("seq 1 3000")), too_long, says("Summary: one and many were printed."),
                          says("Finished."))
    lathe.use(server, wire)
    ran = lathe.ok("exec", "--json", "print a lot")
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "Finished."
    (compacted,) = ran.of_type("compacted")
    assert compacted["tokens_after"] < compacted["tokens_before"]
    last = json.dumps(server.requests()[-1]["body"])
    assert "Summary: one and many were printed." in last
    exported = lathe.ok("session", "export", ran.session).out
    assert "echo one" in exported  # the originals stay


def test_compaction_on_demand_and_a_message_right_behind_it(lathe, start_server):
    server = start_server(says("A long story. " * 200), {"text": [{"gate": "summary"}, "Summary: there was a story."]}, says("I am here."))
    lathe.use(server)
    terminal = Terminal(lathe, "chat")
    terminal.type("tell me\r")
    terminal.expect("A long story.")
    server.wait_for_requests(1)
    terminal.expect("tokens")
    terminal.type("/compact\r")
    server.wait_at_gate("summary")
    terminal.type("are you there?\r")
    server.release("summary")
    terminal.expect("I am here.")
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    assert len(server.requests()) == 3


def test_a_question_of_the_model_parks_and_takes_words(lathe, start_server):
    ask = {"name": "ask_user", "arguments": {"questions": [{"question": "Which colour?", "options": ["red", "blue"]}]}}
    server = start_server(calls(ask), says("Blue it is."))
    lathe.use(server)
    ran = lathe.fails(4, "exec", "--json", "--ask", "wait", "paint it")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    assert question["what"] == "Which colour?"
    assert f"lathe approvals answer {question['id']} --answer TEXT" in ran.err
    assert "--answer" in lathe.fails(1, "approvals", "answer", question["id"], "--approve").err
    assert "Blue it is." in lathe.ok("approvals", "answer", question["id"], "--answer", "blue").out
    assert "blue" in told(server.requests()[1])[0]["output"]


def test_words_do_not_approve_a_command(lathe, start_server, repository):
    server = start_server(calls(shell("touch effects.txt")), says("Never."))
    lathe.use(server)
    lathe.ok("config", "set", "approval-policy", "untrusted")
    lathe.fails(4, "exec", "--ask", "wait", "run it")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    lathe.fails(1, "approvals", "answer", question["id"], "--answer", "no, never")
    assert not (repository / "effects.txt").exists() and len(server.requests()) == 1


def test_a_parked_task_keeps_its_budget(lathe, start_server):
    server = start_server(calls(shell("touch made")), calls(shell("touch more")), says("Too much."))
    lathe.use(server)
    lathe.ok("config", "set", "approval-policy", "untrusted")
    lathe.fails(4, "exec", "--ask", "wait", "--max-turns", "1", "run it")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    assert "turns" in lathe.fails(2, "approvals", "answer", question["id"], "--approve").err
    assert len(server.requests()) == 1


def test_a_key_reaches_neither_records_nor_blobs_nor_tapes(lathe, start_server, tmp_path):
    server = start_server(calls(shell("cat key.txt; seq 1 20000; cat key.txt")), says("Printed."))
    lathe.use(server)
    key = "key-of-the-test"
    (lathe.cwd / "key.txt").write_text(f"the key is {key}\n")
    tape = tmp_path / "tape.cassette"
    lathe.ok("config", "set", "tool-output-tokens", "1000")
    ran = lathe.ok("exec", "--json", "--record", str(tape), "print it")
    assert "[secret]" in ran.of_type("exec_command_end")[0]["outcome"]["output"]
    held = [path for path in [tape, *lathe.home.rglob("*")] if path.is_file() and key.encode() in path.read_bytes()]
    assert held == [] and key not in ran.out + ran.err
