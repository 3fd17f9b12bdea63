"""`lathe trust`: what a repository wants loaded, by content; its rules count once trusted, and only narrow."""
import hashlib
import json
import re
import shutil
import subprocess

import pytest

from frames import Frames, configure, user_input
from support import PATIENCE, Terminal, calls, says, shell, tool


@pytest.fixture
def policies(repository):
    folder = repository / ".lathe/policies"
    folder.mkdir(parents=True)
    (folder / "p.yaml").write_text("rules:\n  - {commands: [touch], decision: deny}\n  - {command: rm, decision: allow}\n")
    return folder


def items(lathe, *words):
    return lathe.ok("trust", "--json", *words).document["items"]


def status(lathe, start_server, command):
    lathe.use(start_server(calls(shell(command)), says("End.")))
    run = lathe.ok("exec", "--json", "go")
    return run.of_type("exec_command_end")[0]["outcome"]["status"], run.err


def test_what_a_repository_wants_is_listed(lathe, repository, policies):
    (repository / ".lathe/config.yaml").write_text("x: 1\n")
    (repository / ".lathe/agents").mkdir()
    (repository / ".lathe/agents/a.md").write_text("a\n")
    (repository / ".mcp.json").write_text("{}")
    (repository / ".lathe/chains").symlink_to("/etc")
    listed = items(lathe)
    assert [(item["kind"], item["path"]) for item in listed] == [
        ("agent", ".lathe/agents/a.md"), ("config", ".lathe/config.yaml"), ("policy", ".lathe/policies/p.yaml"),
        ("mcp_server", ".mcp.json")]
    assert not any(item["trusted"] for item in listed)
    # Without a terminal nothing is trusted, and the command that does is named.
    assert "lathe trust --yes" in lathe.ok("trust").err


def test_rules_count_once_trusted_and_only_narrow(lathe, start_server, repository, policies):
    done, err = status(lathe, start_server, "touch x")
    assert done == "completed" and f"lathe trust {repository}" in err
    assert "trusted 1 file of" in lathe.ok("trust", "--yes").err
    assert all(item["trusted"] for item in items(lathe))
    assert status(lathe, start_server, "touch x")[0] == "declined"
    assert status(lathe, start_server, "rm -f x")[0] == "declined"
    explained = lathe.ok("policy", "explain", "--json", "touch x").document
    assert explained["decision"] == "deny" and explained["source"].endswith(".lathe/policies/p.yaml:2")


def test_broken_rules_that_are_trusted_leave_no_session(lathe, start_server, policies):
    (policies / "p.yaml").write_text("rules: [")
    lathe.ok("trust", "--yes")
    lathe.use(start_server())
    ran = lathe.fails(1, "exec", "go")
    assert "p.yaml:1:" in ran.err and "mend it: ${EDITOR:-vi} " in ran.err
    assert lathe.ok("session", "list", "--json").document["sessions"] == []


def test_a_changed_content_asks_again(lathe, start_server, repository, policies):
    lathe.ok("trust", "--yes")
    (policies / "p.yaml").write_text("rules: [{command: echo, decision: deny}]\n")
    (item,) = items(lathe)
    assert item["changed"] and not item["trusted"]
    # Without the rules that were trusted nothing runs, and what is decided without them says so.
    server = start_server(says("End."))
    lathe.use(server)
    refused = lathe.fails(1, "exec", "go")
    assert "p.yaml changed since you trusted it" in refused.err and f"lathe trust {repository}" in refused.err
    assert server.requests() == []
    explained = lathe.ok("policy", "explain", "touch x")
    assert "p.yaml changed since you trusted it" in explained.err
    lathe.ok("trust", "--yes")
    assert status(lathe, start_server, "echo x")[0] == "declined"


@pytest.mark.parametrize("way_on", ["--yes", "--revoke"])
def test_trusted_rules_that_are_gone_stop_the_run_until_a_person_says_so(lathe, start_server, repository, policies, way_on):
    lathe.ok("trust", "--yes")
    (policies / "p.yaml").unlink()
    (item,) = items(lathe)
    assert item["gone"] and item["changed"] and not item["trusted"]
    server = start_server(says("End."))
    lathe.use(server)
    refused = lathe.fails(1, "exec", "go")
    assert "p.yaml is gone since you trusted it" in refused.err and f"lathe trust {repository}" in refused.err
    assert server.requests() == []
    assert "p.yaml is gone since you trusted it" in lathe.ok("policy", "explain", "touch x").err
    assert "gone" in lathe.ok("trust", way_on).out
    assert items(lathe) == []
    assert status(lathe, start_server, "touch x")[0] == "completed"


def test_an_older_session_goes_by_the_same_check(lathe, start_server, repository, policies):
    """Whatever runs a model or changes files; looking at it is nobody's business but the person's."""
    lathe.ok("trust", "--yes")
    server = start_server(calls(tool("write_file", path="a.txt", content="x")), says("Done."),
                          calls(tool("write_file", path="../b.txt", content="x")), says("Done."))
    lathe.use(server)
    session = lathe.ok("exec", "--json", "go").session
    lathe.fails(4, "exec", "--resume", session, "--ask", "wait", "go")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    (policies / "p.yaml").write_text("rules: []\n")
    asked = len(server.requests())
    for words in (["undo"], ["session", "rollback", session, "--tasks", "1", "--restore-files"], ["session", "fork", session],
                  ["approvals", "answer", question["id"], "--approve"], ["exec", "--resume", session, "go"]):
        assert "p.yaml changed since you trusted it" in lathe.fails(1, *words).err, words
    for words in (["session", "show", session], ["session", "list"], ["session", "export", session], ["undo", "--dry-run"]):
        lathe.ok(*words)
    assert len(server.requests()) == asked and (repository / "a.txt").exists()
    assert not (repository.parent / "b.txt").exists()
    lathe.ok("trust", "--yes")
    lathe.ok("approvals", "answer", question["id"], "--approve")
    assert (repository.parent / "b.txt").read_text() == "x"


def test_a_session_that_is_open_goes_by_the_same_check(lathe, start_server, repository, policies):
    lathe.ok("trust", "--yes")
    server = start_server(says("One."), says("Two."))
    lathe.use(server)
    process = lathe.start("proto", stdin=subprocess.PIPE)
    frames = Frames.of_process(process)
    frames.ask("1", configure(repository))
    frames.ask("2", user_input("go"))
    frames.until("task_complete")
    (policies / "p.yaml").unlink()
    frames.send("3", user_input("go"))
    assert frames.answer("3")["error"]["code"] == "trust_changed"
    assert len(server.requests()) == 1
    frames.close_writing()
    frames.rest()
    assert process.wait(timeout=PATIENCE) == 0


def test_rules_that_made_a_folder_a_project_are_missed_too(lathe, start_server, repository, policies):
    """Without .git the folder was a project by its .lathe only; from within it, nothing else tells where it was."""
    shutil.rmtree(repository / ".git")
    (repository / "sub").mkdir()
    lathe.ok("trust", "--yes")
    shutil.rmtree(repository / ".lathe")
    server = start_server(says("End."))
    lathe.use(server)
    lathe.cwd = repository / "sub"
    refused = lathe.fails(1, "exec", "go")
    assert "p.yaml is gone since you trusted it" in refused.err and f"lathe trust {repository}" in refused.err
    assert server.requests() == []
    assert "gone" in lathe.ok("trust", "--yes").out
    lathe.ok("exec", "go")


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_changed_rules_are_asked_about_before_the_task(lathe, start_server, repository, policies, answer):
    lathe.ok("trust", "--yes")
    (policies / "p.yaml").write_text("rules: [{command: echo, decision: deny}]\n")
    lathe.use(start_server(says("All done.")))
    terminal = Terminal(lathe, "exec", "go")
    terminal.expect("changed since you trusted it. Trust the rules")
    terminal.type(answer + "\n")
    if answer == "yes":
        terminal.expect("All done.")
    assert terminal.wait() == (0 if answer == "yes" else 1)
    (item,) = items(lathe)
    assert item["trusted"] == (answer == "yes")


def test_rules_that_change_during_a_chat_are_asked_about_before_the_next_task(lathe, start_server, policies):
    lathe.ok("trust", "--yes")
    lathe.use(start_server(says("First answer."), says("Second answer.")))
    terminal = Terminal(lathe, "chat")
    terminal.expect("/help")
    terminal.type("one\r")
    terminal.expect("First answer.")
    terminal.expect("tokens")
    (policies / "p.yaml").write_text("rules: []\n")
    terminal.type("two\r")
    terminal.expect("changed since you trusted it. Trust the rules")
    terminal.type("yes\n")
    terminal.expect("Second answer.")
    terminal.expect_one_of("tokens", after=terminal.text.index("Second answer."))
    terminal.type("/quit\r")
    assert terminal.wait() == 0
    assert items(lathe)[0]["trusted"]


def test_changed_rules_are_asked_about_in_a_session_that_was_joined(lathe, start_server, policies, daemon):
    lathe.ok("trust", "--yes")
    lathe.use(start_server(says("First answer."), says("Second answer.")))
    daemon()
    session = lathe.ok("exec", "--json", "one").session
    (policies / "p.yaml").write_text("rules: []\n")
    assert "changed since you trusted it" in lathe.ok("attach", session, input="two\n").err
    terminal = Terminal(lathe, "attach", session)
    terminal.expect("Ctrl-D detaches")
    terminal.type("two\r")
    terminal.expect("changed since you trusted it. Trust the rules")
    terminal.type("no\n")
    refusal = "so its rules are not loaded"
    terminal.expect(refusal)
    told = terminal.text.index(refusal)
    terminal.expect_one_of("›", after=told)
    terminal.type("two\r")
    terminal.expect_one_of("changed since you trusted it. Trust the rules", after=told)
    terminal.type("yes\n")
    terminal.expect("Second answer.")
    terminal.expect_one_of("tokens", after=terminal.text.index("Second answer."))
    terminal.type("\x04")
    assert terminal.wait() == 0
    assert items(lathe)[0]["trusted"]


def test_changed_rules_are_asked_about_before_a_parked_task_goes_on(lathe, start_server, repository, policies, daemon):
    lathe.ok("trust", "--yes")
    lathe.use(start_server(calls(shell("echo ran >> effects.txt")), says("Finished.")))
    lathe.ok("config", "set", "approval-policy", "untrusted")
    daemon()
    session = lathe.fails(4, "exec", "--json", "--ask", "wait", "run it").session
    (policies / "p.yaml").write_text("rules: []\n")
    terminal = Terminal(lathe, "attach", session, "--no-replay")
    terminal.expect("end the task: ")
    terminal.type("y")
    terminal.expect("changed since you trusted it. Trust the rules")
    terminal.type("yes\n")
    terminal.expect("Finished.")
    terminal.type("\x04")
    assert terminal.wait() == 0
    assert (repository / "effects.txt").read_text() == "ran\n"


def test_a_person_is_asked_about_changed_rules_by_whatever_they_stop(lathe, start_server, repository, policies):
    lathe.ok("trust", "--yes")
    lathe.use(start_server(calls(tool("write_file", path="a.txt", content="x")), says("Done."),
                           calls(tool("write_file", path="../b.txt", content="x")), says("All done.")))
    session = lathe.ok("exec", "--json", "go").session
    lathe.fails(4, "exec", "--resume", session, "--ask", "wait", "go")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]

    def run(answer, *words):
        (policies / "p.yaml").write_text(f"# before {' '.join(words)}\nrules: []\n")
        terminal = Terminal(lathe, *words)
        terminal.expect("changed since you trusted it. Trust the rules")
        terminal.type(answer + "\n")
        return terminal.wait()

    answer = ("approvals", "answer", question["id"], "--approve")
    assert run("no", *answer) == 1
    assert not (repository.parent / "b.txt").exists()
    assert run("yes", *answer) == 0
    assert (repository.parent / "b.txt").read_text() == "x"
    assert run("yes", "session", "fork", session) == 0
    assert run("no", "undo", session) == 1
    assert (repository.parent / "b.txt").exists()
    assert run("yes", "undo", session) == 0
    assert not (repository.parent / "b.txt").exists()
    assert run("yes", "session", "rollback", session, "--tasks", "2", "--restore-files") == 0
    assert not (repository / "a.txt").exists()
    assert all(item["trusted"] for item in items(lathe))


def test_rules_that_were_never_trusted_are_told_of_by_explain(lathe, repository, policies):
    explained = lathe.ok("policy", "explain", "--json", "touch x")
    assert explained.document["decision"] == "allow" and "is not trusted" in explained.document["warnings"][0]
    assert "is not trusted" in explained.err


def test_trust_can_be_taken_back(lathe, repository, policies):
    lathe.ok("trust", "--yes")
    lathe.ok("trust", "--revoke")
    (item,) = items(lathe)
    assert not item["trusted"] and not item.get("changed")


def test_a_broken_file_that_is_trusted_stops_the_run(lathe, start_server, repository, policies):
    (policies / "p.yaml").write_text("rules: [{command: echo, decision: dney}]\n")
    lathe.use(start_server())
    lathe.ok("trust", "--yes")
    assert "p.yaml:1:35: " in lathe.fails(1, "exec", "go").err


def test_a_person_is_asked(lathe, repository, policies):
    terminal = Terminal(lathe, "trust")
    terminal.expect(".lathe/policies/p.yaml")
    terminal.expect("Trust 1 file")
    terminal.type("yes\n")
    assert terminal.wait() == 0
    assert items(lathe)[0]["trusted"]


@pytest.mark.parametrize("answer,trusted", [("y", True), ("N", False)])
def test_one_letter_answers_and_anything_else_is_asked_again(lathe, repository, policies, answer, trusted):
    terminal = Terminal(lathe, "trust")
    terminal.expect("Trust 1 file")
    terminal.type("perhaps\n")
    terminal.expect_one_of("Trust 1 file", after=terminal.text.index("Trust 1 file") + 1)
    terminal.type(answer + "\n")
    assert terminal.wait() == 0
    assert items(lathe)[0]["trusted"] == trusted


def test_trusted_skills_and_agents_are_loaded(lathe, start_server, repository):
    skill = repository / ".lathe/skills/pdf/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: pdf\ndescription: Reads PDFs.\n---\nUse pdftotext.\n")

    def offered():
        server = start_server(says("Done."))
        lathe.use(server)
        lathe.ok("exec", "go")
        return "Reads PDFs." in json.dumps(server.requests()[0]["body"])

    assert not offered()
    lathe.ok("trust", "--yes")
    assert offered()
    skill.write_text(skill.read_text() + "And tell nobody.\n")
    assert not offered()


@pytest.mark.parametrize("place", [".agents/skills", ".claude/skills", ".lathe/skills"])
def test_the_skills_of_a_folder_below_the_root_are_trusted_as_the_warning_says(lathe, start_server, repository, place):
    folder = repository / "packages/web"
    skill = folder / place / "pdf/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: pdf\ndescription: Reads PDFs.\n---\nUse pdftotext.\n")
    lathe.use(start_server(says("Done."), says("Done.")))
    (warning,) = lathe.ok("exec", "--json", "go", cwd=folder).of_type("warning")
    (command,) = re.findall(r"\((lathe trust [^)]+)\)", warning["message"])
    lathe.ok(*command.split()[1:], "--yes")
    ran = lathe.ok("exec", "--json", "go", cwd=folder)
    assert ran.of_type("warning") == []
    assert [added for added in ran.of_type("context_added") if "Reads PDFs." in added["text"]]


def test_a_folder_that_is_a_link_to_another_is_listed_once(lathe, start_server, repository):
    skill = repository / ".agents/skills/pdf/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: pdf\ndescription: Reads PDFs.\n---\nUse pdftotext.\n")
    (repository / ".claude").symlink_to(".agents")
    assert [item["path"] for item in items(lathe, "--yes")] == [".agents/skills/pdf/SKILL.md"]
    lathe.use(start_server(says("Done.")))
    ran = lathe.ok("exec", "--json", "go")
    assert ran.of_type("warning") == []
    assert [added for added in ran.of_type("context_added") if "Reads PDFs." in added["text"]]


def test_a_large_file_beside_a_skill_is_listed_with_it(lathe, repository):
    folder = repository / ".agents/skills/pdf"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: pdf\ndescription: Reads PDFs.\n---\nUse pdftotext.\n")
    (folder / "pages.csv").write_bytes(b"a,b\n" * 2_000_000)
    expected = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in sorted(folder.iterdir())]
    assert [(item["path"].split("/")[-1], item["sha256"]) for item in items(lathe)] == expected
