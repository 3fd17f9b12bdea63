"""A session whose stream is damaged: what is whole of it is shown and gone on from, lists keep it, and its file is left alone."""
import json

import pytest


@pytest.fixture
def whole(lathe, start_server):
    """A session of three Tasks: its id, its stream, and the ids of its Turns."""
    lathe.use(start_server({"text": "Said.", "repeat": -1}))
    session = lathe.ok("exec", "--json", "first words").session
    lathe.ok("exec", "--last", "second words")
    lathe.ok("exec", "--last", "third words")
    stream = stream_of(lathe, session)
    text = stream.read_bytes()
    turns = [json.loads(line)["msg"]["response_id"] for line in text.splitlines() if b'"turn_complete"' in line]
    return session, stream, turns


@pytest.fixture
def damaged(whole):
    """The same, one byte of the third Task changed."""
    _, stream, _ = whole
    change_byte(stream, stream.read_bytes().index(b"third words"))
    return whole


def stream_of(lathe, session):
    (stream,) = lathe.home.rglob(f"{session}/journal.ndjson")
    return stream


def change_byte(stream, place):
    text = bytearray(stream.read_bytes())
    text[place] ^= 1
    stream.write_bytes(text)


def shorten(stream, what):
    text = stream.read_bytes()
    if what == "torn first record":
        stream.write_bytes(text[:text.index(b"\n") - 10])
    elif what == "garbage":
        stream.write_bytes(b"garbage")
    elif what == "emptied":
        stream.write_bytes(b"")
    elif what == "missing":
        stream.unlink()
    else:
        assert what == "cut between records"
        stream.write_bytes(text[:text.rindex(b"\n", 0, text.index(b"third words")) + 1])


def listed(lathe):
    return {line["session_id"]: line for line in lathe.ok("session", "list", "--json").document["sessions"]}


def test_what_stands_before_the_damage_is_shown_and_exported(lathe, damaged):
    session, stream, _ = damaged
    whole = stream.read_text(errors="replace").splitlines()
    shown = lathe.fails(5, "session", "show", session)
    assert "second words" in shown.out and "third" not in shown.out
    assert "journal.ndjson" in shown.err and "damaged at byte" in shown.err
    exported = lathe.fails(5, "session", "export", session)
    records = exported.out.splitlines()
    assert records == whole[:len(records)] and "turn_complete" in exported.out
    assert "damaged at byte" in exported.err
    assert "second words" in lathe.fails(5, "session", "export", "--format", "md", session).out
    assert listed(lathe)[session]["state"] == "damaged"
    assert "damaged" in lathe.ok("session", "list").out
    assert lathe.ok("session", "show", "--json", session).document["session"]["state"] == "damaged"


def test_a_record_that_is_there_twice_is_told_by_whoever_reads(lathe, whole):
    session, stream, _ = whole
    lines = stream.read_bytes().splitlines(keepends=True)
    (place,) = (at for at, line in enumerate(lines) if b"second words" in line and b'"user_message"' in line)
    stream.write_bytes(b"".join(lines[:place + 1] + lines[place:]))
    for words in (["show"], ["export"], ["export", "--format", "md"]):
        ran = lathe.fails(5, "session", *words, session)
        assert "second words" in ran.out and "third words" not in ran.out
        assert "damaged at byte" in ran.err and f"record {place + 1} where {place + 2} was due" in ran.err


def test_going_on_in_it_is_refused_with_what_to_do_and_the_file_stays(lathe, damaged):
    session, stream, turns = damaged
    before = stream.read_bytes()
    for words in (["exec", "--last", "go on"], ["exec", "--resume", session, "go on"], ["session", "rollback", session, "--tasks", "1"]):
        ran = lathe.fails(5, *words)
        assert session in ran.err and f"lathe session fork {session} --at {turns[1]}" in ran.err, str(ran)
    assert stream.read_bytes() == before
    fork = lathe.ok("session", "fork", session, "--at", turns[1]).out.strip()
    ran = lathe.ok("exec", "--json", "--last", "go on")
    assert ran.session == fork
    assert "second words" in lathe.ok("session", "show", fork).out
    assert "before the damage" in lathe.ok("session", "fork", session).err
    assert "before the damage" in lathe.ok("exec", "--resume", session, "--fork", "go on").err
    assert stream.read_bytes() == before


def test_it_is_archived_and_removed(lathe, damaged):
    session, _, _ = damaged
    lathe.ok("session", "archive", session)
    assert listed(lathe) == {}
    lathe.ok("session", "archive", "--restore", session)
    lathe.ok("session", "rm", session)
    assert listed(lathe) == {}
    lathe.fails(1, "session", "show", session)


@pytest.mark.parametrize("damage", ["torn first record", "garbage", "emptied", "missing", "cut between records"])
def test_a_stream_that_lost_something_is_seen_at_once(lathe, whole, damage):
    session, stream, turns = whole
    backup = stream.read_bytes()
    shorten(stream, damage)
    left = stream.read_bytes() if stream.exists() else None
    assert listed(lathe)[session]["state"] == "damaged"
    told = lathe.fails(1, "doctor").out
    assert f"session {session}" in told and "journal.ndjson" in told
    for words in (["session", "show", session], ["exec", "--resume", session, "go on"], ["exec", "--last", "go on"]):
        ran = lathe.fails(5, *words)
        assert "journal.ndjson" in ran.err and "backup" in ran.err, str(ran)
    assert left == (stream.read_bytes() if stream.exists() else None)
    stream.write_bytes(backup)
    assert "third words" in lathe.ok("session", "show", session).out
    assert listed(lathe)[session]["state"] == "idle"
    lathe.ok("exec", "--resume", session, "go on")


def test_what_is_left_of_a_stream_that_was_cut_between_records_is_gone_on_from_in_a_fork(lathe, whole):
    session, stream, turns = whole
    shorten(stream, "cut between records")
    ran = lathe.fails(5, "session", "show", session)
    assert "second words" in ran.out and "its end is missing" in ran.err
    ran = lathe.fails(5, "exec", "--resume", session, "go on")
    assert "its end is missing" in ran.err and f"lathe session fork {session} --at {turns[1]}" in ran.err
    lathe.ok("session", "fork", session, "--at", turns[1])
    assert "second words" in lathe.ok("session", "show", "last").out


def test_one_whose_stream_is_missing_is_removed(lathe, whole):
    session, stream, _ = whole
    stream.unlink()
    lathe.fails(1, "index", "rebuild")
    assert listed(lathe)[session]["state"] == "damaged"
    lathe.ok("session", "rm", session)
    assert listed(lathe) == {} and not stream.parent.exists()


@pytest.mark.parametrize("damage", ["first record", "torn first record", "emptied", "missing"])
def test_one_of_which_nothing_is_left_stays_in_lists(lathe, damaged, damage):
    session, stream, _ = damaged
    backup = stream.read_bytes()
    if damage == "first record":
        change_byte(stream, 20)
    else:
        shorten(stream, damage)
    ran = lathe.fails(1, "index", "rebuild")
    assert "journal.ndjson" in ran.err
    assert listed(lathe)[session]["state"] == "damaged"
    for words in (["session", "show"], ["session", "export"], ["session", "fork"], ["exec", "go on", "--resume"]):
        ran = lathe.fails(5, *words, session)
        assert ran.out == "" and "journal.ndjson" in ran.err and "backup" in ran.err, str(ran)
    stream.write_bytes(backup)
    change_byte(stream, backup.index(b"uhird words"))
    assert "third words" in lathe.ok("session", "show", session).out
    assert listed(lathe)[session]["state"] == "idle"
    lathe.ok("exec", "--last", "go on")
