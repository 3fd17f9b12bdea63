"""What a Task did to files is taken back: by tools, by commands, after restarts and crashes, never over someone else."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from support import apply_patch, calls, gate, read_file, says, shell, tool, wait_until


def undo(lathe, *words, code=0):
    ran = lathe.run("undo", *words, "--json")
    assert ran.code == code, str(ran)
    return ran.document


@pytest.fixture
def start(lathe, start_server):
    def begin(*answers):
        server = start_server(*answers)
        lathe.use(server)
        return server
    return begin


def git(repository, *words):
    return subprocess.run(["git", *words], cwd=repository, capture_output=True, check=True,
                          env={"PATH": os.environ["PATH"], "HOME": str(repository.parent)}).stdout


def test_what_tools_wrote_is_taken_back(lathe, start, repository):
    start(calls(read_file("greeting.txt")),
          calls(tool("edit_file", path="greeting.txt", old_text="world", new_text="moon"),
                tool("write_file", path="new/notes.txt", content="x")),
          calls(apply_patch("*** Begin Patch\n*** Update File: greeting.txt\n@@\n-hello\n+bye\n*** End Patch\n")),
          says("Done."))
    lathe.ok("exec", "change it")
    assert (repository / "greeting.txt").read_text() == "bye\nmoon\n"

    would = undo(lathe, "--dry-run")
    assert (would["restored"], would["removed"], would["done"]) == (["greeting.txt"], ["new/notes.txt"], False)
    assert (repository / "greeting.txt").read_text() == "bye\nmoon\n"

    did = undo(lathe)
    assert (did["restored"], did["removed"], did["done"]) == (["greeting.txt"], ["new/notes.txt"], True)
    assert (repository / "greeting.txt").read_text() == "hello\nworld\n"
    assert not (repository / "new").exists()
    again = undo(lathe)
    assert "restored" not in again and "removed" not in again


def test_a_change_outside_is_asked_about_made_and_taken_back(lathe, start, repository):
    out = repository.parent / "out.txt"
    write = calls(tool("write_file", path="../out.txt", content="owned"))
    start(write, says("Done."), write, says("Done."))
    lathe.ok("exec", "--ask", "deny", "change it")
    assert not out.exists()
    lathe.fails(4, "exec", "--ask", "wait", "change it")
    assert not out.exists()
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    lathe.ok("approvals", "answer", question["id"], "--approve")
    assert out.read_text() == "owned"
    assert undo(lathe)["removed"] == [str(out)]
    assert not out.exists()


def test_with_full_access_a_change_outside_is_not_asked_about(lathe, start, repository):
    out = repository.parent / "out.txt"
    start(calls(tool("write_file", path="../out.txt", content="x"),
                tool("write_file", path="../.envrc", content="x")), says("Done."))
    ran = lathe.ok("exec", "--json", "--ask", "deny", "--sandbox", "full-access", "change it")
    assert out.read_text() == "x"
    # What programs execute or obey is changed by people only, wherever it is.
    assert "only a person can" in ran.out and not (repository.parent / ".envrc").exists()


def test_a_move_to_another_file_system_is_taken_back(lathe, start, repository, tmp_path):
    try:
        away = pathlib.Path(tempfile.mkdtemp(dir="/dev/shm"))
    except OSError:
        pytest.skip("no /dev/shm")
    try:
        if away.stat().st_dev == repository.stat().st_dev:
            pytest.skip("the repository lies in the same file system")
        (repository / "run.sh").write_text("#!/bin/sh\n")
        (repository / "run.sh").chmod(0o741)
        start(calls(tool("move_file", **{"from": "run.sh", "to": str(away / "deep/run.sh")})), says("Done."))
        lathe.ok("exec", "--ask", "deny", "--sandbox", "full-access", "move it")
        assert not (repository / "run.sh").exists()
        assert (away / "deep/run.sh").read_text() == "#!/bin/sh\n"
        assert (away / "deep/run.sh").stat().st_mode & 0o7777 == 0o741
        undo(lathe)
        assert (repository / "run.sh").read_text() == "#!/bin/sh\n"
        assert (repository / "run.sh").stat().st_mode & 0o7777 == 0o741
        assert not (away / "deep/run.sh").exists()
    finally:
        shutil.rmtree(away)


def test_what_undo_does_not_cover_is_named(lathe, start, repository):
    (repository / ".gitignore").write_text("build/\n")
    (repository / ".env").write_text("KEY=1\n")
    (repository / "build").mkdir()
    start(calls(shell("echo x > build/out; echo y > made.txt")), says("Done."))
    lathe.ok("exec", "build it")
    ran = lathe.ok("undo", "--dry-run")
    assert "not covered by undo: .env, build/\n" in ran.err and "made.txt" in ran.out
    for i in range(30):
        (repository / f"key-{i:02}.pem").write_text("KEY")
    start(calls(shell("touch more")), says("Done."))
    lathe.ok("exec", "again")
    told = lathe.ok("undo", "--dry-run").err
    assert "key-00.pem" in told and "more (--json lists them)" in told and "key-29.pem" not in told


def test_what_commands_did_is_taken_back_exactly(lathe, start, repository):
    (repository / "run.sh").write_bytes(b"#!/bin/sh\r\necho\r\n")
    (repository / "run.sh").chmod(0o751)
    (repository / "raw.bin").write_bytes(bytes(range(256)))
    (repository / "link").symlink_to("greeting.txt")
    (repository / "empty").mkdir()
    (repository / ".gitignore").write_text("build/\n")
    (repository / "build").mkdir()
    (repository / "build/out").write_text("old")
    index = (repository / ".git/index").read_bytes()
    start(calls(shell("rm -r run.sh raw.bin link empty greeting.txt; mkdir -p made/deep; echo x > made/deep/f; "
                      "echo new > build/out; touch .git/hooks/x 2>/dev/null; true")),
          says("Done."))
    ran = lathe.ok("exec", "--json", "clean up")
    (snapshot,) = ran.of_type("workspace_snapshot")
    assert "build/" in snapshot["not_covered"] and snapshot["files"] >= 5
    assert not (repository / "greeting.txt").exists()

    did = undo(lathe)
    assert did["restored"] == ["empty/", "greeting.txt", "link", "raw.bin", "run.sh"]
    assert did["removed"] == ["made/deep/f"]
    assert "build/" in did["not_covered"]
    assert (repository / "run.sh").read_bytes() == b"#!/bin/sh\r\necho\r\n"
    assert (repository / "run.sh").stat().st_mode & 0o7777 == 0o751
    assert (repository / "raw.bin").read_bytes() == bytes(range(256))
    assert os.readlink(repository / "link") == "greeting.txt"
    assert (repository / "empty").is_dir() and not (repository / "made").exists()
    assert (repository / "build/out").read_text() == "new\n"
    assert (repository / ".git/index").read_bytes() == index
    assert (repository / "greeting.txt").read_text() == "hello\nworld\n"


def test_a_repository_cannot_make_undo_run_anything(lathe, start, repository, tmp_path):
    marker = tmp_path / "ran"
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    config = f"""[core]
    fsmonitor = touch {marker}
    hooksPath = {repository}/hooks
    pager = touch {marker}
[filter "evil"]
    clean = touch {marker}
    smudge = touch {marker}
[diff "evil"]
    textconv = touch {marker}
    command = touch {marker}
[diff]
    external = touch {marker}
[alias]
    cat-file = !touch {marker}
[credential]
    helper = !touch {marker}
[include]
    path = {repository}/more
"""
    (repository / "more").write_text(f"[core]\n    alternateRefsCommand = touch {marker}\n")
    with open(repository / ".git/config", "a") as file:
        file.write(config)
    start(calls(shell("rm greeting.txt")), says("Done."))
    lathe.ok("exec", "remove it")
    assert undo(lathe)["restored"] == ["greeting.txt"]
    assert (repository / "greeting.txt").read_text() == "hello\nworld\n"
    assert not marker.exists()


def test_git_itself_runs_jailed(lathe, start, repository, tmp_path):
    """Were it broken by an object that it reads, it could write nothing and see nothing of the person's."""
    programs, marker = tmp_path / "programs/bin", tmp_path / "ran"
    programs.mkdir(parents=True)
    (tmp_path / "private").write_text("the person's\n")
    evil = f"cat {tmp_path}/private > {marker}; echo x >> {repository}/greeting.txt; cat {repository}/greeting.txt > {marker}"
    (programs / "git").write_text(f"#!/bin/sh\n({evil}) 2>/dev/null\nexec {shutil.which('git')} \"$@\"\n")
    (programs / "git").chmod(0o755)
    start(calls(shell("rm greeting.txt")), says("Done."))
    lathe.ok("exec", "remove it")
    path = f"{programs}:{os.environ['PATH']}"
    ran = lathe.run("undo", "--json", env=lathe.environment(PATH=path))
    assert ran.code == 0 and ran.document["restored"] == ["greeting.txt"], str(ran)
    assert (repository / "greeting.txt").read_text() == "hello\nworld\n"
    assert not marker.exists()


def test_the_end_of_the_repository_takes_no_undo_with_it(lathe, start, repository):
    start(calls(shell("git rm -q -r --cached . ; rm greeting.txt")), calls(shell("find .git -delete 2>/dev/null; true")),
          says("Done."))
    lathe.ok("exec", "end it")
    shutil.rmtree(repository / ".git")
    assert "greeting.txt" in undo(lathe)["restored"]
    assert (repository / "greeting.txt").read_text() == "hello\nworld\n"


def test_a_folder_without_a_repository_is_covered_too(lathe, start, tmp_path):
    folder = tmp_path / "plain"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/a").write_text("old")
    start(calls(shell("echo new > sub/a; rm -r sub/nothing")), says("Done."))
    lathe.ok("exec", "--cwd", str(folder), "change it")
    assert undo(lathe)["restored"] == ["sub/a"]
    assert (folder / "sub/a").read_text() == "old"


def test_what_someone_else_changed_is_a_conflict_and_stays(lathe, start, repository):
    start(calls(shell("echo task > greeting.txt; echo task > made")), says("Done."))
    lathe.ok("exec", "change it")
    (repository / "greeting.txt").write_text("mine\n")
    did = undo(lathe, code=2)
    assert did["conflicts"] == ["greeting.txt"] and did["removed"] == ["made"]
    assert (repository / "greeting.txt").read_text() == "mine\n"
    shown = lathe.fails(2, "undo")
    assert "conflict" in shown.out and "greeting.txt" in shown.out


def test_one_turn_and_one_task_are_points_to_go_back_to(lathe, start, repository):
    start(calls(shell("echo one > f")), calls(shell("echo two > f")), says("Done."),
          calls(shell("echo three > f")), says("Done."))
    first = lathe.ok("exec", "--json", "first")
    lathe.ok("exec", "--json", "--last", "second")
    turns = [message["response_id"] for message in first.of_type("turn_complete")]
    (task,) = [message["task"] for message in first.of_type("task_started")]
    assert undo(lathe)["restored"] == ["f"]
    assert (repository / "f").read_text() == "two\n"
    assert undo(lathe, "--turn", turns[1])["restored"] == ["f"]
    assert (repository / "f").read_text() == "one\n"
    assert undo(lathe, "--task", task)["removed"] == ["f"]
    assert not (repository / "f").exists()


def test_unknown_names_and_a_session_without_tasks_are_errors(lathe, start):
    start(says("Hello."))
    assert "no session" in lathe.fails(1, "undo").err
    lathe.ok("exec", "hello")
    assert "no Turn" in lathe.fails(1, "undo", "--turn", "resp_nothing").err
    assert "no Task" in lathe.fails(1, "undo", "--task", "nothing").err
    assert "nothing to bring back" in lathe.ok("undo").err


def test_a_killed_program_leaves_what_undo_needs(lathe, start, repository, tmp_path):
    start(calls(shell("echo half > greeting.txt; echo half > made; touch started; sleep 600")), says("Done."))
    process = lathe.start("exec", "--json", "change it")
    wait_until((repository / "started").exists, "the command to write")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    did = undo(lathe)
    assert did["restored"] == ["greeting.txt"] and did["removed"] == ["made", "started"]
    assert (repository / "greeting.txt").read_text() == "hello\nworld\n"


def test_the_model_is_told_and_the_journal_has_it(lathe, start, repository):
    server = start(calls(shell("echo task > greeting.txt")), says("Done."), says("I see."))
    session = lathe.ok("exec", "--json", "change it").session
    undo(lathe)
    lathe.ok("exec", "--last", "and now")
    assert "took back" in json.dumps(server.requests()[-1]["body"])
    records = [json.loads(line)["msg"] for line in lathe.ok("session", "export", session).out.splitlines()]
    (restored,) = [record for record in records if record["type"] == "files_restored"]
    assert restored["restored"] == ["greeting.txt"]


def test_reading_is_asked_for_before_writing_also_after_a_restart(lathe, start, repository):
    server = start(calls(tool("write_file", path="greeting.txt", content="blind")),
                   calls(read_file("greeting.txt")), says("Read."),
                   calls(tool("edit_file", path="greeting.txt", old_text="hello", new_text="bye")), says("Changed."),
                   calls(tool("edit_file", path="greeting.txt", old_text="bye", new_text="x")), says("Refused."))
    ran = lathe.ok("exec", "--json", "read it")
    (refused, _) = ran.of_type("tool_call_end")
    assert "has not been read" in refused["outcome"]["output"] if "outcome" in refused else refused["output"]
    lathe.ok("exec", "--last", "change it")
    assert (repository / "greeting.txt").read_text() == "bye\nworld\n"
    (repository / "greeting.txt").write_text("bye\nperson\n")
    lathe.ok("exec", "--last", "again")
    assert "changed on disk since you read it" in json.dumps(server.requests()[-1]["body"])
    assert (repository / "greeting.txt").read_text() == "bye\nperson\n"


def test_secrets_are_refused_by_every_file_tool(lathe, start, repository):
    (repository / ".env").write_text("KEY=the-secret-value\n")
    (repository / "innocent").symlink_to(".env")
    os.link(repository / ".env", repository / "second-name")
    ssh = repository.parent / ".ssh"
    ssh.mkdir()
    (ssh / "id_ed25519").write_text("the-secret-value\n")
    server = start(calls(read_file(".env"), read_file("innocent"), read_file("second-name"), read_file(str(ssh / "config")),
                         read_file(str(ssh / "id_ed25519")), tool("grep", pattern="secret-value"),
                         tool("grep", pattern="secret-value", path=".env"), tool("grep", pattern="secret", path=str(ssh))),
                   says("Nothing."))
    lathe.ok("exec", "look for keys")
    assert "the-secret-value" not in json.dumps(server.requests()[-1]["body"])


def test_arguments_are_checked_against_the_schema(lathe, start, repository):
    os.mkfifo(repository / "pipe")
    server = start(calls(tool("multi_edit", path="greeting.txt", edits=[{"old_text": "a", "new_text": 7}]),
                         tool("read_file", path="greeting.txt", offset=-3), tool("read_file", path="x" * 10_000),
                         tool("read_file", path="pipe"), tool("read_file", pth="greeting.txt")),
                   says("Sorry."))
    lathe.ok("exec", "go wrong")
    told = json.dumps(server.requests()[-1]["body"])
    for words in ("edits[0].new_text must be a string, not a number", "offset must be from 1", "4095 is the limit",
                  "is a FIFO", "did you mean"):
        assert words in told, words


def test_what_a_job_wrote_in_the_background_is_taken_back(lathe, start, repository):
    # Files are looked at around commands; here the last one has long ended when the job writes.
    start(calls(shell("sleep 1.5; echo job > greeting.txt; echo job > made", background=True, yield_time_ms=250)),
          calls(tool("write_file", path="written", content="x")),
          calls(*[tool("spawn_agent", prompt="child-task: wait")]),
          calls(shell("until test -e made; do sleep 0.01; done")), says("Waited."), says("Done."))
    lathe.ok("exec", "--json", "start it")
    did = undo(lathe)
    assert "conflicts" not in did and did["restored"] == ["greeting.txt"] and did["removed"] == ["made", "written"]
    assert (repository / "greeting.txt").read_text() == "hello\nworld\n"
    assert not (repository / "made").exists()


def test_what_a_sub_agent_changed_goes_back_with_the_task(lathe, start, repository):
    start(calls(shell("echo parent > made; echo parent > greeting.txt")),
          calls(tool("spawn_agent", prompt="child-task: change it")),
          calls(shell("echo child > greeting.txt; echo child > by-agent"),
                tool("write_file", path="by-tool", content="child")),
          says("Changed."), calls(shell("echo last >> by-agent")), says("Done."))
    ran = lathe.ok("exec", "--json", "let it be changed")
    assert (repository / "by-agent").read_text() == "child\nlast\n", str(ran)
    did = undo(lathe)
    assert "conflicts" not in did and did["restored"] == ["greeting.txt"]
    assert did["removed"] == ["by-agent", "by-tool", "made"]
    assert (repository / "greeting.txt").read_text() == "hello\nworld\n"
    assert not [name for name in ("made", "by-agent", "by-tool") if (repository / name).exists()]


def test_what_an_escalated_command_did_in_read_only_mode_is_taken_back(lathe, start, repository):
    start(calls(shell("echo out > greeting.txt", sandbox_permissions="require_escalated", justification="it is needed")),
          says("Done."))
    lathe.fails(4, "exec", "--sandbox", "read-only", "--ask", "wait", "go")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    lathe.ok("approvals", "answer", question["id"], "--approve")
    assert (repository / "greeting.txt").read_text() == "out\n"
    assert undo(lathe)["restored"] == ["greeting.txt"]
    assert (repository / "greeting.txt").read_text() == "hello\nworld\n"


def test_a_newline_in_a_name_makes_no_line_of_its_own(lathe, start, repository):
    start(calls(shell("touch 'z\nrestored   fake-line'")), says("Done."))
    lathe.ok("exec", "make it")
    assert lathe.ok("undo").out.splitlines() == [r"removed    z\nrestored   fake-line"]
