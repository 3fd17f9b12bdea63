"""Sessions are listed, shown, found, continued, forked, exported and removed."""
import json
import os
import subprocess

import pytest

from support import PATIENCE, says, shell, calls


@pytest.fixture
def talked(lathe, start_server):
    """One session with one finished Task; the server goes on answering."""
    server = start_server(calls(shell("cat greeting.txt")), says("It says hello."), {"text": "And on.", "repeat": -1})
    lathe.use(server)
    session = lathe.ok("exec", "--json", "read the greeting aloud").session
    return server, session


def listed(lathe):
    return lathe.ok("session", "list", "--json").document["sessions"]


def test_a_fresh_data_root_lists_nothing(lathe):
    assert listed(lathe) == []


def test_list_and_show(lathe, talked, repository):
    _, session = talked
    (line,) = listed(lathe)
    assert line["session_id"] == session
    assert line["title"].startswith("read the greeting")
    assert (line["state"], line["tasks"], line["cwd"]) == ("idle", 1, str(repository))
    assert "read the greeting" in lathe.ok("session", "list").out
    shown = lathe.ok("session", "show", session)
    assert "It says hello." in shown.out and "cat greeting.txt" in shown.out
    (journal,) = lathe.home.rglob(f"{session}/journal.ndjson")
    assert str(journal.parent) not in shown.out + shown.err, "that is for a person at a terminal"
    got = lathe.ok("session", "show", "--json", session).document
    assert (got["folder"], got["journal"]) == (str(journal.parent), str(journal))


def test_a_session_is_named_by_a_unique_start_or_last(lathe, talked):
    _, session = talked
    assert "It says hello." in lathe.ok("session", "show", "last").out
    assert "It says hello." in lathe.ok("session", "show", session[:-4]).out


@pytest.mark.parametrize("words", [["session", "show"], ["session", "export"], ["session", "rm"], ["session", "fork"], ["session", "archive"],
                                   ["session", "rollback", "--tasks", "1"],
                                   ["exec", "go on", "--resume"]])
def test_an_unknown_session_is_an_error_and_makes_none(lathe, talked, words):
    ran = lathe.fails(1, *words, "0190ffff-0000-7000-8000-000000000000")
    assert "0190ffff" in ran.err
    assert len(listed(lathe)) == 1


def test_resume_sends_what_was_said_before_as_an_exact_prefix(lathe, talked):
    server, session = talked
    ran = lathe.ok("exec", "--json", "--last", "and now")
    assert ran.session == session
    bodies = [request["body"] for request in server.requests()]
    assert bodies[2]["input"][:len(bodies[1]["input"])] == bodies[1]["input"]
    assert server.control("prefix_breaks") == []
    assert listed(lathe)[0]["tasks"] == 2


def test_fork_leaves_the_parent_alone(lathe, talked):
    server, session = talked
    before = lathe.ok("session", "export", session).out
    fork = lathe.ok("session", "fork", session).out.strip().split()[-1]
    assert fork != session
    ran = lathe.ok("exec", "--json", "--resume", fork, "elsewhere")
    assert ran.session == fork
    assert "It says hello." in json.dumps(server.requests()[2]["body"])
    assert lathe.ok("session", "export", session).out == before


def test_export_is_the_journal_line_by_line(lathe, talked):
    _, session = talked
    records = [json.loads(line) for line in lathe.ok("session", "export", session).out.splitlines()]
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert all(record["session"] == session and "crc" in record for record in records)
    assert [record["msg"]["type"] for record in records][0] == "session_configured"


def test_search_finds_what_was_said_and_run(lathe, talked):
    _, session = talked
    assert session[:8] in lathe.ok("session", "search", "aloud").out
    assert lathe.ok("session", "search", "zzyzx").out.strip() == ""


def test_archive_hides_and_shows_again(lathe, talked):
    _, session = talked
    lathe.ok("session", "archive", session)
    assert listed(lathe) == []
    assert session in lathe.ok("session", "list", "--all", "--json").out
    assert "It says hello." in lathe.ok("session", "show", session).out
    lathe.ok("session", "archive", "--restore", session)
    assert [line["session_id"] for line in listed(lathe)] == [session]


def test_tags_are_listed_asked_for_and_survive_the_index(lathe, talked):
    _, session = talked
    other = lathe.ok("exec", "--json", "another matter").session
    assert lathe.ok("session", "tag", session, "--add", "todo", "--add", "calc").out == "calc\ntodo\n"
    lathe.ok("index", "rebuild")
    (line,) = lathe.ok("session", "list", "--tag", "todo", "--json").document["sessions"]
    assert (line["session_id"], line["tags"]) == (session, ["calc", "todo"])
    assert "#calc #todo" in lathe.ok("session", "list").out
    assert lathe.ok("session", "tag", session, "--remove", "todo").out == "calc\n"
    assert lathe.ok("session", "list", "--tag", "todo", "--json").document["sessions"] == []
    assert {line["session_id"]: line.get("tags") for line in listed(lathe)} == {session: ["calc"], other: None}
    assert "is no tag" in lathe.fails(1, "session", "tag", session, "--add", "two words").err


def unread(lathe):
    return [line["session_id"] for line in lathe.ok("session", "list", "--unread", "--json").document["sessions"]]


def test_a_session_is_unread_until_a_person_looked(lathe, talked):
    _, session = talked
    assert unread(lathe) == [session], "with --json a program reads it"
    assert "• read the greeting" in lathe.ok("session", "list").out
    lathe.ok("session", "show", session)
    assert unread(lathe) == []
    lathe.ok("index", "rebuild")
    assert unread(lathe) == []
    lathe.ok("exec", "--last", "go on")
    assert unread(lathe) == [], "its end was shown"
    lathe.ok("session", "mark-read", "--unread", session)
    assert unread(lathe) == [session]
    assert lathe.ok("session", "mark-read", "--all").out == f"read {session}\n"
    assert unread(lathe) == []
    assert "no session is named" in lathe.fails(1, "session", "mark-read").err


def test_export_as_markdown(lathe, talked):
    _, session = talked
    text = lathe.ok("session", "export", "--format", "md", session).out
    assert text.startswith("# read the greeting") or "## You\n\nread the greeting aloud" in text
    assert text.index("## You") < text.index("```sh\n$ cat greeting.txt\n```") < text.index("## Agent\n\nIt says hello.")
    assert "```text\nhello\nworld\n```\n\n*exit 0 in " in text and "Exit code" not in text and f"Session {session}" in text
    assert "\x1b" not in text
    ran = lathe.fails(1, "session", "export", "--format", "pdf", session)
    assert "pdf" in ran.err and "ndjson, md" in ran.err


@pytest.mark.parametrize("words", [["session", "list"], ["session", "show", "last"], ["session", "export", "last"],
                                   ["session", "export", "--format", "md", "last"]])
def test_a_reader_that_went_away_is_no_error(lathe, talked, words):
    """`lathe session show last | head`, where head has what it wants."""
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(lathe.argv(words), stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE, cwd=lathe.cwd,
                         env=lathe.environment(), timeout=PATIENCE)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_remove(lathe, talked):
    _, session = talked
    lathe.ok("session", "rm", session)
    assert listed(lathe) == []
    lathe.fails(1, "session", "show", session)


def test_the_index_can_be_lost_or_broken(lathe, talked):
    _, session = talked
    assert [line["session_id"] for line in listed(lathe)] == [session]
    databases = [path for path in lathe.home.rglob("*") if path.is_file() and path.read_bytes()[:6] == b"SQLite"]
    assert databases
    for path in databases:
        path.write_bytes(b"this is no database" * 400)
        for extra in path.parent.glob(path.name + "-*"):
            extra.unlink()
    lathe.ok("index", "rebuild")
    assert [line["session_id"] for line in listed(lathe)] == [session]
    for path in databases:
        path.unlink()
    assert [line["session_id"] for line in listed(lathe)] == [session]


def test_a_torn_last_record_is_cut_off_and_damage_in_the_middle_is_named(lathe, talked):
    _, session = talked
    (stream,) = [path for path in lathe.home.rglob("journal.ndjson") if session in str(path)]
    whole = stream.read_bytes()
    stream.write_bytes(whole + b'{"v":1,"session":"torn')
    assert lathe.ok("exec", "--last", "go on").code == 0
    lines = whole.splitlines(keepends=True)
    stream.write_bytes(b"".join(lines[:2]) + b'{"damaged":' + b"\n" + b"".join(lines[3:]))
    ran = lathe.fails(5, "exec", "--resume", session, "go on")
    assert stream.name in ran.err


def test_two_processes_cannot_run_one_session(lathe, start_server):
    server = start_server(says("One."), says({"gate": "hold"}, "Two."))
    lathe.use(server)
    session = lathe.ok("exec", "--json", "first").session
    holder = lathe.start("exec", "--json", "--resume", session, "second")
    server.wait_at_gate("hold")
    ran = lathe.fails(5, "exec", "--resume", session, "third")
    assert session in ran.err and str(holder.pid) in ran.err and f"lathe session fork {session}" in ran.err
    for words in (["archive"], ["rm"]):
        ran = lathe.fails(5, "session", *words, session)
        assert session in ran.err and str(holder.pid) in ran.err
    assert [line["session_id"] for line in listed(lathe)] == [session]
    server.release("hold")
    assert lathe.finish(holder).code == 0
    assert len(server.requests()) == 2


def test_a_session_in_its_first_turn_is_not_offered_for_a_fork(lathe, start_server):
    server = start_server(says({"gate": "hold"}, "One."))
    lathe.use(server)
    holder = lathe.start("exec", "first")
    server.wait_at_gate("hold")
    ran = lathe.fails(5, "exec", "--last", "second")
    assert str(holder.pid) in ran.err and "first Turn" in ran.err and "session fork" not in ran.err
    server.release("hold")
    assert lathe.finish(holder).code == 0


def test_two_processes_share_a_data_root(lathe, start_server):
    server = start_server({"text": [{"gate": "both"}, "Done."], "repeat": 2})
    lathe.use(server)
    running = [lathe.start("exec", "--json", f"task {n}") for n in range(2)]
    server.wait_for_requests(2)
    server.release("both")
    assert [lathe.finish(process).code for process in running] == [0, 0]
    assert len(listed(lathe)) == 2


def test_usage_adds_up(lathe, start_server):
    lathe.use(start_server(says("a", usage={"input": 70, "output": 7}), says("b", usage={"input": 30, "output": 3})))
    lathe.ok("exec", "one")
    lathe.ok("exec", "two")
    rows = lathe.ok("usage", "--json").document["rows"]
    assert [(row["usage"]["input_tokens"], row["usage"]["output_tokens"]) for row in rows] == [(100, 10)]


def test_a_data_root_that_cannot_be_written_is_named(lathe, start_server, tmp_path):
    lathe.use(start_server(says("never")))
    (tmp_path / "blocked").write_text("a file where a folder should be")
    for root in (str(tmp_path / "blocked" / "home"), "/proc/lathe-home"):
        ran = lathe.fails(1, "exec", "--model", "mock", "go", env={"LATHE_HOME": root, "OPENAI_API_KEY": "x"})
        assert root in ran.err


ON_A_FULL_DISK = """
mount -t tmpfs -o size=4m tmpfs "$2" && cp -a "$1/." "$2" || exit 99
dd if=/dev/zero of="$2/filler" bs=4k 2>/dev/null
export LATHE_HOME="$2"; shift 2; exec "$@"
"""


def test_a_full_disk_still_gives_what_it_has(lathe, talked, tmp_path):
    _, session = talked
    small = tmp_path / "small"
    small.mkdir()

    def on_a_full_disk(*words):
        return subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", ON_A_FULL_DISK, "sh", lathe.home,
                               small, lathe.program, *words], capture_output=True, text=True, env=lathe.environment(), cwd=lathe.cwd)

    listed_there = on_a_full_disk("session", "list", "--json")
    assert listed_there.returncode == 0, listed_there
    assert [line["session_id"] for line in json.loads(listed_there.stdout)["sessions"]] == [session]
    assert "full" in listed_there.stderr or "space" in listed_there.stderr
    assert on_a_full_disk("session", "export", session).stdout == lathe.ok("session", "export", session).out
    refused = on_a_full_disk("exec", "--resume", session, "go on")
    assert refused.returncode == 5 and "space" in refused.stderr, refused
    found = on_a_full_disk("doctor")
    assert found.returncode == 1 and "No space" in found.stdout and "mend it: lathe session rm" in found.stdout, found


LISTED_ON_A_NEARLY_FULL_DISK = """
mount -t tmpfs -o size=4m tmpfs "$2" && cp -a "$1/." "$2" || exit 99
[ "$3" = whole ] || rm -f "$2"/state/index.*
[ "$3" = garbage ] && echo "no database" >"$2/state/index.db"
dd if=/dev/zero of="$2/filler" bs=4k 2>/dev/null
truncate -s "-$4K" "$2/filler"
export LATHE_HOME="$2"; exec "$5" session list --json
"""

REMOVED_ON_A_FULL_DISK = """
mount -t tmpfs -o size=4m tmpfs "$2" && cp -a "$1/." "$2" || exit 99
export LATHE_HOME="$2"; "$3" session list >/dev/null || exit 98
dd if=/dev/zero of="$2/filler" bs=4k 2>/dev/null
"$3" session rm "$4" || exit 97
exec "$3" session list --json
"""


@pytest.fixture
def on_a_small_disk(lathe, tmp_path):
    small = tmp_path / "small"
    small.mkdir()

    def run(script, *words):
        return subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", lathe.home, small,
                               *words], capture_output=True, text=True, env=lathe.environment(), cwd=lathe.cwd)
    return run


@pytest.mark.parametrize("index", ["whole", "none", "garbage"])
@pytest.mark.parametrize("left_kib", ["0", "8", "16", "24", "32"])
def test_lists_are_made_however_little_room_is_left(lathe, talked, on_a_small_disk, index, left_kib):
    _, session = talked
    ran = on_a_small_disk(LISTED_ON_A_NEARLY_FULL_DISK, index, left_kib, lathe.program)
    assert ran.returncode == 0, ran
    assert [line["session_id"] for line in json.loads(ran.stdout)["sessions"]] == [session]


def test_a_session_is_removed_from_a_full_disk(lathe, talked, on_a_small_disk):
    _, session = talked
    ran = on_a_small_disk(REMOVED_ON_A_FULL_DISK, lathe.program, session)
    assert ran.returncode == 0, ran
    deleted, _, listed_then = ran.stdout.partition("\n")
    assert deleted == f"deleted {session}" and json.loads(listed_then)["sessions"] == []


def test_a_session_is_not_removed_by_a_slip(lathe, talked):
    _, session = talked
    for slip in ("", session[0], session[:7]):
        lathe.fails(1, "session", "rm", slip)
    lathe.fails(1, "exec", "--resume", "", "go on")
    assert "too little of an id" in lathe.fails(1, "session", "rm", session[:7]).err
    assert 'no session "nosuch"' in lathe.fails(1, "session", "rm", "nosuch").err
    assert len(listed(lathe)) == 1
    lathe.ok("session", "rm", session[:13])


def test_last_is_a_session_to_remove(lathe, talked):
    _, session = talked
    assert lathe.ok("session", "rm", "last").out == f"deleted {session}\n"
    assert listed(lathe) == []


def test_doctor_says_what_is_broken(lathe, start_server):
    assert lathe.run("doctor").code == 1
    lathe.use(start_server({"text": "fine", "repeat": -1}))
    ran = lathe.ok("doctor")
    assert "mock" in ran.out
