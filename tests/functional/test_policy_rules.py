"""`lathe policy` and rules in a run: what is decided, which rule decided, and that a broken file stops everything."""
import json
import os
import re

import pytest

from conftest import ROOT
from support import Terminal, calls, says, shell, tool


def explain(lathe, *words):
    return lathe.ok("policy", "explain", "--json", *words).document


def rules(lathe, text, name="mine.yaml"):
    folder = lathe.home / "policies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def ran_with(lathe, start_server, command, *words, **arguments):
    """What became of one command in a run."""
    lathe.use(start_server(calls(shell(command, **arguments)), says("End.")))
    run = lathe.ok("exec", "--json", *words, "go")
    return run.of_type("exec_command_end", "tool_call_end")[0]["outcome"]


def test_explain_names_the_rule_and_touches_nothing(lathe):
    document = explain(lathe, "ls && rm -rf build")
    assert document["decision"] == "ask" and document["source"] == "built in"
    assert "dangerous" in document["rule"] and document["commands"] == ["ls", "rm -rf build"]
    assert not lathe.home.exists()


def test_home_in_a_command_is_the_persons(lathe, tmp_path):
    file = tmp_path / "p.yaml"
    home = lathe.home.parent  # HOME of the program
    for spelled in ("~", home):
        file.write_text(f"rules: [{{path: '{spelled}/kept/**', decision: deny}}]")
        for command, decision in {"cat ~/kept/x": "deny", "cat $HOME/kept/x": "deny", "cd && cat kept/x": "deny",
                                  "(cd ~/kept && cat x)": "deny", "cat ~/other/x": "allow",
                                  "(cd ~/other && ls); cat x": "allow", "HOME=/y; cat ~/kept/x": "ask",
                                  "cat ~other/kept/x": "ask", f"cat {home}/kept/x": "deny",
                                  f"cat {lathe.home}/cache/jails/1-w/home/kept/x": "deny"}.items():
            assert explain(lathe, "--policy", str(file), command)["decision"] == decision, (spelled, command)


def test_explain_with_a_file_a_preset_and_a_tool(lathe, tmp_path):
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"default_action": "deny", "rules": [
        {"tools": "local_fs", "tool": "read_file", "action": "allow"}]}))
    read = ["--tool", "local_fs.read_file", "--args", '{"path": "a.txt"}']
    assert explain(lathe, "--policy", str(file), *read)["decision"] == "allow"
    denied = explain(lathe, "--policy", str(file), "ls")
    assert denied["decision"] == "deny" and denied["rule"] == "default_action: deny"
    lathe.ok("config", "set", "policy", "strict")
    secret = explain(lathe, "cat ~/.ssh/id_rsa")
    assert secret["decision"] == "deny" and secret["source"].startswith("preset strict:")
    of_secret = ["--tool", "read_file", "--args", '{"path": "/etc/shadow"}']
    assert "/etc/shadow is a secret" in lathe.ok("policy", "explain", *of_secret).err
    assert "secret" not in lathe.ok("policy", "explain", *read).err
    text = lathe.ok("policy", "explain", "make").out
    assert text.startswith("ask\n") and "source: preset strict:" in text


# approval policy x mode of the program as it is (workspace-write); one row per class of command
MATRIX = [
    ("ls -la", "allow", "allow", "allow"),
    ("cat x | wc -l", "allow", "allow", "allow"),
    ("make", "ask", "allow", "allow"),
    ("ls > x", "ask", "allow", "allow"),
    ("env ls > x", "ask", "allow", "allow"),
    ("BASH_ENV=./x bash -c ls", "ask", "allow", "allow"),
    ("timeout 5 bash -c ls", "allow", "allow", "allow"),
    ("$x", "ask", "allow", "allow"),
    ("ls; eval $x", "ask", "allow", "allow"),
    ("git status", "allow", "allow", "allow"),
    ("git -c core.pager=x log", "ask", "allow", "allow"),
    ("rm -f x", "ask", "ask", "deny"),
    ("env A=1 bash -c 'rm -rf x'", "ask", "ask", "deny"),
    ("find . -exec rm -f {} +", "ask", "ask", "deny"),
    ("mkfs.ext4 /dev/x", "ask", "ask", "deny"),
]


@pytest.mark.parametrize("command,untrusted,on_request,never", MATRIX)
def test_the_matrix(lathe, command, untrusted, on_request, never):
    decided = [explain(lathe, "--approval", mode, command)["decision"] for mode in ("untrusted", "on-request", "never")]
    assert decided == [untrusted, on_request, never]


@pytest.mark.parametrize("policy,command,status", [
    ("untrusted", "ls", "completed"),
    ("untrusted", "echo x > y", "declined"),
    ("on-request", "echo x > y", "completed"),
    ("on-request", "rm -f y", "declined"),
    ("never", "echo x > y", "completed"),
    ("never", "rm -f y", "declined"),
])
def test_a_run_without_a_person_follows_the_matrix(lathe, start_server, policy, command, status):
    assert ran_with(lathe, start_server, command, "--approval", policy)["status"] == status


def test_a_model_cannot_leave_the_sandbox_by_itself(lathe, start_server):
    how = {"sandbox_permissions": "require_escalated", "justification": "I want to"}
    for policy in ("on-request", "never"):
        assert ran_with(lathe, start_server, "echo x > y", "--approval", policy, **how)["status"] == "declined"


def test_fields_of_a_call_approve_nothing(lathe, start_server, repository):
    rules(lathe, "rules: [{command: touch, decision: deny}]")
    outcome = ran_with(lathe, start_server, "touch x", approved=True, confirmed=True)
    assert outcome["status"] in ("declined", "failed") and not (repository / "x").exists()


def test_rules_of_the_person_decide_in_a_run(lathe, start_server, repository):
    rules(lathe, "rules:\n  - {commands: [touch], decision: deny, reason: not here}\n  - {command: rm -f x, decision: allow}\n")
    outcome = ran_with(lathe, start_server, "env touch x")
    assert outcome["status"] == "declined" and "not here" in outcome["output"]
    assert ran_with(lathe, start_server, "rm -f x")["status"] == "completed"


def test_a_policy_given_on_the_command_line_takes_the_place_of_the_persons(lathe, start_server, tmp_path):
    rules(lathe, "rules: [{command: touch, decision: deny}]")
    other = tmp_path / "other.yaml"
    other.write_text("rules: [{command: echo, decision: deny}]\n")
    assert ran_with(lathe, start_server, "touch x", "--policy", str(other))["status"] == "completed"
    assert ran_with(lathe, start_server, "echo x", "--policy", str(other))["status"] == "declined"


@pytest.mark.parametrize("text,says_where", [
    ("rules:\n  - {command: rm, decision: dney}\n", ":2:29: "),
    ("rules:\n  - {command: rm, when: x, decision: deny}\n", ":2:19: "),
    ("default_action: deny\nrules: [{tools: x, action: deny, when: [{key: a, op: regex, value: b}]}]\n", ":2:54: "),
    ("rules:\n  - {command: rm, decision: deny, match: [ls]}\n", ":2:43: "),
    ("rules: [", ":1:"),
])
def test_a_broken_file_stops_the_run_with_its_place(lathe, start_server, text, says_where):
    rules(lathe, text)
    lathe.use(start_server())
    ran = lathe.fails(1, "exec", "go")
    assert "mine.yaml" + says_where in ran.err
    assert "mine.yaml" + says_where in lathe.fails(1, "policy", "explain", "ls").err


def test_a_pipe_in_place_of_a_rule_file_is_refused(lathe, start_server, tmp_path):
    pipe = tmp_path / "f.yaml"
    os.mkfifo(pipe)
    assert "is a FIFO" in lathe.fails(1, "policy", "test", str(pipe)).err
    assert "is a FIFO" in lathe.fails(1, "policy", "explain", "--policy", str(pipe), "ls").err
    rules(lathe, "rules: []")
    os.mkfifo(lathe.home / "policies/pipe.yaml")
    lathe.use(start_server())
    assert "is a FIFO" in lathe.fails(1, "policy", "explain", "ls").err
    assert "is a FIFO" in lathe.fails(1, "exec", "go").err


def test_a_preset_is_named_like_a_file(lathe, start_server):
    secret = explain(lathe, "--policy", "strict", "cat ~/.ssh/id_rsa")
    assert secret["decision"] == "deny" and secret["source"].startswith("preset strict:")
    assert ran_with(lathe, start_server, "touch x", "--policy", "strict")["status"] == "declined"


def test_a_call_that_its_tool_refuses_is_told_in_its_words(lathe, repository):
    (repository / ".env").write_text("KEY=1\n")
    for arguments, words in (({"path": ".env", "content": "x"}, ".env holds secrets"),
                             ({"path": ".git/hooks/x", "content": "x"}, ".git/hooks/x is protected")):
        ran = lathe.fails(1, "policy", "explain", "--tool", "write_file", "--args", json.dumps(arguments))
        assert words in ran.err and "ls -ld" not in ran.err, str(ran)


@pytest.mark.parametrize("words,told", [
    ([], "is empty"), ([""], "is empty"), (["  \n"], "command is empty"), (["# rm x\n # y"], "command has only comments"),
    (["--tool", "shell", "--args", json.dumps({"command": ""})], "command is empty"),
    (["--tool", "shell", "--args", json.dumps({"command": "l\0s"})], "command holds a NUL byte"),
])
def test_a_command_that_is_none_is_refused(lathe, words, told):
    ran = lathe.fails(1, "policy", "explain", *words)
    assert told in ran.err and ran.out == "", str(ran)


def test_an_unknown_preset_stops_the_run(lathe, start_server):
    lathe.use(start_server())
    lathe.ok("config", "set", "policy", "strct")
    assert "strict" in lathe.fails(1, "exec", "go").err


@pytest.mark.parametrize("command,decision", [
    ("script -qc 'git push' /dev/null", "deny"),
    ("git -c alias.x=push x", "deny"),
    ("eval $x; /usr/lib/git-core/git-push", "deny"),
    ("source <(echo git push)", "ask"),
    ("python3 -c 'import os; os.system(\"git push\")'", "ask"),
    ("cd a && cat secret.txt", "deny"),
    ("cat sec*", "ask"),
    ("cat \"$PWD/secret.txt\"", "ask"),
    ("cat *.md; git status", "allow"),
])
def test_what_may_be_denied_is_not_allowed(lathe, command, decision):
    rules(lathe, 'rules:\n  - {command: git push, decision: deny}\n  - {path: "**/secret.txt", access: read, decision: deny}\n')
    assert explain(lathe, command)["decision"] == decision


def test_the_examples_of_a_file(lathe, tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("rules:\n  - command: git push\n    decision: ask\n    match: [git push, git -C x push]\n")
    assert lathe.ok("policy", "test", str(file)).out == "1 rules, 2 examples, 0 wrong\n"
    file.write_text("rules:\n  - command: git push\n    decision: ask\n    match: [git pull]\n")
    ran = lathe.fails(2, "policy", "test", str(file))
    assert "p.yaml:4:13: " in ran.out and "1 wrong" in ran.out
    assert not lathe.home.exists()


@pytest.mark.parametrize("command", ["", "  ", "x" * 200_000], ids=["empty", "blank", "long"])
def test_bad_commands_are_refused(lathe, start_server, command):
    assert ran_with_failure(lathe, start_server, command)


def ran_with_failure(lathe, start_server, command):
    lathe.use(start_server(calls(shell(command)), says("End.")))
    run = lathe.ok("exec", "--json", "go")
    ends = run.of_type("exec_command_end", "tool_call_end")
    return ends[0]["outcome"]["status"] in ("failed", "declined")


def test_always_writes_the_rule_that_was_shown(lathe, start_server, repository):
    (repository / "x").write_text("")
    question = calls(shell("rm -f x"))
    lathe.use(start_server(question, says("First."), question, says("Second.")))
    terminal = Terminal(lathe, "exec", "go")
    terminal.expect("rm -f x")
    terminal.expect("always would write")
    terminal.expect("[y] once")
    terminal.type("a")
    terminal.expect("First.")
    assert terminal.wait() == 0
    approved = json.loads((lathe.home / "policies/approved.json").read_text())
    assert approved == {"rules": [{"command": ["rm", "-f", "x"], "exact": True, "decision": "allow"}]}
    run = lathe.ok("exec", "--json", "go")
    assert run.of_type("exec_command_end")[0]["outcome"]["status"] == "completed"


def test_a_person_changes_the_command(lathe, start_server, repository):
    lathe.use(start_server(calls(shell("rm -f greeting.txt")), says("Finished.")))
    terminal = Terminal(lathe, "exec", "go")
    terminal.expect("[y] once")
    terminal.type("e")
    terminal.expect("run this instead")
    terminal.type("echo kept > kept.txt\n")
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert (repository / "greeting.txt").exists() and (repository / "kept.txt").read_text() == "kept\n"


def test_approvals_answer_always(lathe, start_server, repository):
    lathe.use(start_server(calls(shell("rm -f greeting.txt")), says("Finished.")))
    lathe.fails(4, "exec", "--ask", "wait", "go")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    lathe.ok("approvals", "answer", question["id"], "--approve", "--always", "--note", "fine")
    assert (lathe.home / "policies/approved.json").exists() and not (repository / "greeting.txt").exists()


def test_hosts_and_other_tools(lathe, tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text('rules:\n  - {host: "*.example.com", decision: allow}\n  - {tool: web_post, decision: deny}\n')
    def fetch(name, url):
        return explain(lathe, "--policy", str(file), "--tool", name, "--args", json.dumps({"url": url}))["decision"]
    assert fetch("web_fetch", "https://api.example.com/") == "allow"
    assert fetch("web_fetch", "https://example.com.evil.net/") == "ask"
    assert fetch("web_post", "https://api.example.com/") == "deny"


# What each tool is asked to do, as those write it who know it by another name.
GIT_PUSH = {"command": "git push origin"}
PATCH = "*** Begin Patch\n*** Update File: x.txt\n@@\n-old\n+new\n*** End Patch\n"
EDIT = {"file_path": "x.txt", "old_string": "old", "new_string": "new"}
TODOS = {"todos": [{"id": "1", "content": "a", "status": "pending"}]}
QUESTION = {"questions": [{"question": "Which?", "options": ["a", "b"]}]}
BY_TOOL = {"shell": GIT_PUSH, "read_file": {"path": "y.txt"}, "write_file": {"path": "x.txt", "content": "new"}, "edit_file": EDIT,
           "multi_edit": {"file_path": "x.txt", "edits": [{"old_string": "old", "new_string": "new"}]},
           "list_dir": {"path": "."}, "grep": {"pattern": "old"}, "glob": {"pattern": "*.md"}, "apply_patch": {"input": PATCH},
           "update_plan": TODOS, "ask_user": QUESTION, "spawn_agent": {"prompt": "x"}, "read_skill": {"skill": "pdf"},
           "web_fetch": {"url": "http://127.0.0.1:1/"}, "job_log": {"bash_id": "j"}, "job_kill": {"shell_id": "j"},
           "stat": {"path": "y.txt"}, "view_image": {"path": "y.txt", "detail": "high"},
           "write_stdin": {"session_id": 1, "chars": "x"}}
BY_ALIAS = {"local_shell": {"command": "git", "args": ["push", "origin"]}, "exec_command": {"cmd": "git push origin"},
            "Read": {"file_path": "y.txt"}, "Write": {"file_path": "x.txt", "content": "new"}, "applypatch": {"patch": PATCH},
            "sed": {"path": "x.txt", "pattern": "old", "replacement": "new"}}
HARMLESS = [("bash", {"command": "true"}), ("Read", {"file_path": "greeting.txt"}), ("Write", {"file_path": "a.txt", "content": "a"}),
            ("local_shell", {"command": "rm", "args": ["-rf", "nothing"]}), ("Bash", {"command": "true", "ask_approval": True, "reason": "r"}),
            ("exec_command", {"cmd": "true", "sandbox_permissions": "require_escalated", "justification": "j"}),
            ("Edit", {"file_path": "missing.txt", "old_string": "a", "new_string": "b"}), ("bogus", {})]


def test_each_alias_is_explained_as_the_gate_decides(lathe, start_server, repository):
    rules(lathe, 'rules:\n  - {path: "**/x.txt", access: write, decision: deny}\n  - {path: "**/y.txt", decision: deny}\n'
                 "  - {command: [git, push], decision: deny}\n  - {tool: [spawn_agent, ask_user], decision: deny}\n")
    for name in ("x.txt", "y.txt"):
        (repository / name).write_text("old\n")
    table = (ROOT / "src/tools/common/aliases.cc").read_text().split("make_aliases()")[1].split("\n  return {\n")[1]
    aliases = re.findall(r'^      \{"([A-Za-z_.]+)", "([a-z_]+)"', table, re.MULTILINE)
    assert len(aliases) > 40
    # What has not been read is not changed, so that is first.
    asked = [("read_file", {"path": "x.txt"})] + [(name, BY_ALIAS.get(name) or BY_TOOL[meant]) for name, meant in aliases] + HARMLESS

    # What `lathe policy explain` asks for, by one client: to start the program for each would take longer than all else.
    questions = [{"id": str(i), "call": {"type": "policy_explain", "tool": name, "arguments": arguments, "cwd": str(repository)}}
                 for i, (name, arguments) in enumerate(asked)]
    replies = {frame["id"]: frame.get("reply") for frame in lathe.ok("proto", input="\n".join(map(json.dumps, questions))).frames}
    decisions = [(replies[question["id"]] or {"decision": "fails"})["decision"] for question in questions]
    parts = [calls(*[tool(name, **arguments) for name, arguments in asked[i:i + 10]]) for i in range(0, len(asked), 10)]
    lathe.ok("config", "set", "repeated-call-limit", "0")
    lathe.use(start_server(*parts, says("End.")))
    session = lathe.ok("exec", "--json", "--ask", "deny", "go", timeout=180).session
    records = [json.loads(line)["msg"] for line in lathe.ok("session", "export", session).out.splitlines()]
    made = [call for record in records if record["type"] == "tool_calls" for call in record["calls"]]
    ends = {record["call_id"]: record["outcome"] for record in records if record.get("outcome")}
    assert len(made) == len(asked)
    possible = {"allow": {"completed", "failed"}, "ask": {"declined"}, "deny": {"declined"}, "fails": {"failed"}}
    wrong = [(name, arguments, decision, ends[call["call_id"]]) for (name, arguments), decision, call in zip(asked, decisions, made)
             if ends[call["call_id"]]["status"] not in possible[decision]]
    assert wrong == []
    assert decisions.count("deny") > 20 and decisions[-1] == "fails"


def test_explain_sees_what_a_call_asks_for_and_where_it_leads(lathe, repository):
    def decision(name, arguments, *words):
        return explain(lathe, "--tool", name, "--args", json.dumps(arguments), *words)["decision"]
    write = {"path": "a", "content": "a"}
    assert decision("write_file", write) == "allow"
    assert decision("write_file", write, "--sandbox", "read-only") == "ask"
    lathe.ok("config", "set", "sandbox-mode", "read-only")
    assert decision("write_file", write) == "ask"
    lathe.ok("config", "set", "sandbox-mode", "workspace-write")
    assert "bogus" in lathe.fails(1, "policy", "explain", "--tool", "bogus").err
    assert "read_file" in lathe.fails(1, "policy", "explain", "--tool", "read_fle").err
    outside = {"input": "*** Begin Patch\n*** Add File: ../x\n+a\n*** End Patch\n"}
    assert decision("apply_patch", outside) == "ask"
    assert decision("apply_patch", outside, "--sandbox", "full-access") == "allow"
    assert decision("apply_patch", outside, "--approval", "never") == "deny"
