"""The end of a conversation is taken back, and older Turns are continued and forked from."""
import json
import re

import pytest

from support import apply_patch, calls, says

ADD_NOTES = "*** Begin Patch\n*** Add File: notes.txt\n+first\n*** End Patch\n"


@pytest.fixture
def talked(lathe, start_server):
    """A session of three Tasks, its server, and the Turns' ids as `session show` tells them."""
    server = start_server(says("Alpha is said."), calls(apply_patch(ADD_NOTES)), says("Beta is said."),
                          says("Gamma is said."), {"text": "Later.", "repeat": -1})
    lathe.use(server)
    session = lathe.ok("exec", "--json", "say alpha").session
    lathe.ok("exec", "--last", "say beta")
    lathe.ok("exec", "--last", "say gamma")
    return server, session, turns_of(lathe, session)


def turns_of(lathe, session):
    return re.findall(r"turn (resp_\w+)", lathe.ok("session", "show", session).out)


def last_request(server):
    return json.dumps(server.requests()[-1]["body"])


def test_show_and_the_transcript_name_the_turns(lathe, talked):
    _, session, turns = talked
    recorded = [json.loads(line)["msg"] for line in lathe.ok("session", "export", session).out.splitlines()]
    assert turns == [msg["response_id"] for msg in recorded if msg["type"] == "turn_complete"]
    assert len(turns) == 4
    transcript = lathe.ok("session", "export", "--format", "md", session).out
    assert transcript.index("Alpha is said.") < transcript.index(turns[0]) < transcript.index("Beta is said.")


def test_rollback_to_a_turn(lathe, talked):
    server, session, turns = talked
    ran = lathe.ok("session", "rollback", session, "--to", turns[0])
    assert turns[0] in ran.out
    lathe.ok("session", "resume", session, "and now")
    sent = last_request(server)
    assert "Alpha is said." in sent and "Beta is said." not in sent and "Gamma is said." not in sent
    assert f"rolled back to turn {turns[0]}" in lathe.ok("session", "show", session).out
    assert (lathe.cwd / "notes.txt").exists()


def test_rollback_over_tasks(lathe, talked):
    server, session, _ = talked
    ran = lathe.ok("session", "rollback", session, "--tasks", "2")
    assert "last 2 tasks" in ran.out
    lathe.ok("session", "resume", session, "and now")
    sent = last_request(server)
    assert "Alpha is said." in sent and "say beta" not in sent and "say gamma" not in sent


def test_rollback_brings_files_back_when_asked(lathe, talked):
    _, session, turns = talked
    ran = lathe.ok("session", "rollback", session, "--to", turns[0], "--restore-files")
    assert "notes.txt" in ran.out
    assert not (lathe.cwd / "notes.txt").exists()


def test_what_cannot_be_rolled_back_to_is_named(lathe, talked):
    _, session, turns = talked
    before = lathe.ok("session", "export", session).out
    ran = lathe.fails(1, "session", "rollback", session)
    assert "--to" in ran.err and "--tasks" in ran.err
    ran = lathe.fails(1, "session", "rollback", session, "--to", "resp_nothing")
    assert "resp_nothing" in ran.err and f"lathe session show {session}" in ran.err
    ran = lathe.fails(1, "session", "rollback", session, "--tasks", "99")
    assert "99" in ran.err and "--tasks 3 takes back all of it" in ran.err
    lathe.fails(1, "session", "rollback", session, "--tasks", "0")
    lathe.fails(1, "session", "rollback", session, "--tasks", "1", "--to", turns[0])
    assert lathe.ok("session", "export", session).out == before
    # A Turn that was taken back is no place to go on from.
    lathe.ok("session", "rollback", session, "--to", turns[0])
    lathe.fails(1, "session", "rollback", session, "--to", turns[2])


def test_exec_goes_on_from_an_older_turn_also_elsewhere(lathe, talked):
    server, session, turns = talked
    lathe.variables["CLAUDE_KEY"] = "key-of-the-test"
    lathe.ok("backend", "add", "claude", "--type", "anthropic", "--url", server.url, "--api-key-env", "CLAUDE_KEY")
    ran = lathe.ok("exec", "--json", "--resume", session, "--from", turns[0], "--model", "claude/mock", "say delta")
    assert ran.session == session
    assert server.requests()[-1]["path"] == "/v1/messages"
    sent = last_request(server)
    assert "Alpha is said." in sent and "say delta" in sent and "say beta" not in sent and "say gamma" not in sent
    ran = lathe.ok("session", "resume", session, "--json", "--from", turns[0], "--model", "mock/mock", "say epsilon")
    sent = last_request(server)
    assert "Alpha is said." in sent and "say epsilon" in sent and "say delta" not in sent


def test_exec_forks_from_an_older_turn(lathe, talked):
    server, session, turns = talked
    before = lathe.ok("session", "export", session).out
    ran = lathe.ok("exec", "--json", "--resume", session, "--fork", "--from", turns[0], "say delta")
    assert ran.session != session
    sent = last_request(server)
    assert "Alpha is said." in sent and "say beta" not in sent
    assert lathe.ok("session", "export", session).out == before
    assert turns_of(lathe, ran.session)[0] == turns[0]
    assert f"Forked from session {session}" in lathe.ok("session", "show", ran.session).out


def test_from_needs_a_session_and_a_turn_that_exists(lathe, talked):
    server, session, _ = talked
    asked = len(server.requests())
    assert "--resume" in lathe.fails(1, "exec", "--from", "resp_x", "go on").err
    ran = lathe.fails(1, "exec", "--resume", session, "--from", "resp_nothing", "go on")
    assert "resp_nothing" in ran.err
    assert len(server.requests()) == asked
