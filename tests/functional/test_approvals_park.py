"""A question nobody can answer parks the Task; an answer lets it go on, in another process, and settles once."""
import json

import pytest

from support import Terminal, calls, read_file, says, shell, tool

QUESTION = calls(shell("echo ran >> effects.txt"))


@pytest.fixture
def parked(lathe, start_server):
    """(server, how the parked run ended, the question's id)."""
    server = start_server(QUESTION, says("Finished."))
    lathe.use(server)
    lathe.ok("config", "set", "approval-policy", "untrusted")
    ran = lathe.fails(4, "exec", "--json", "--ask", "wait", "run it")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    return server, ran, question


def effects(repository):
    path = repository / "effects.txt"
    return path.read_text() if path.exists() else ""


def test_a_question_parks_the_task_and_says_how_to_go_on(lathe, parked, repository):
    _, ran, question = parked
    assert ran.of_type("task_parked")[0]["questions"] == [question["id"]]
    assert question["kind"] == "exec_approval_request" and "echo ran" in question["what"]
    assert f"lathe approvals answer {question['id'][:8]}" in ran.err
    assert effects(repository) == ""
    assert lathe.ok("session", "list", "--json").document["sessions"][0]["state"] == "parked"


def test_the_list_says_why_a_question_is_asked_and_until_when(lathe, start_server):
    (lathe.home / "policies").mkdir(parents=True)
    (lathe.home / "policies/mine.yaml").write_text("rules: [{command: echo, decision: ask, timeout: 90m}]\n")
    lathe.use(start_server(QUESTION))
    lathe.fails(4, "exec", "--ask", "wait", "run it")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    assert "mine.yaml:1" in question["rule"]
    assert question["expires_at"] - question["asked_at"] <= 90 * 60 * 1000
    listed = lathe.ok("approvals", "list").out
    assert question["rule"] in listed and "answer within 1h" in listed


def test_approving_continues_in_the_foreground(lathe, parked, repository):
    _, _, question = parked
    ran = lathe.ok("approvals", "answer", question["id"], "--approve")
    assert "Finished." in ran.out
    assert effects(repository) == "ran\n"
    assert lathe.ok("approvals", "list", "--json").document["questions"] == []


def test_of_many_answers_one_counts_and_the_others_are_told_whose(lathe, parked, daemon):
    _, _, question = parked
    daemon()
    answers = [lathe.start("approvals", "answer", question["id"], "--approve", "--no-run") for _ in range(4)]
    ended = [lathe.finish(answer) for answer in answers]
    late = [ran for ran in ended if ran.code != 0]
    assert len(late) == 3, [str(ran) for ran in ended]
    for ran in late:
        assert f'"{question["id"]}" is settled: approved by lathe (' in ran.err, str(ran)


@pytest.mark.parametrize("words", [["approvals", "answer", "QUESTION", "--approve"], ["exec", "--resume", "SESSION"]],
                         ids=["answer", "exec"])
def test_a_task_that_goes_on_ends_when_its_timeout_is_over_as_a_new_one_does(lathe, start_server, words):
    lathe.use(start_server(QUESTION, says("Hel", {"stall": True})))
    lathe.ok("config", "set", "approval-policy", "untrusted")
    parked = lathe.fails(4, "exec", "--json", "--ask", "wait", "run it")
    (question,) = lathe.ok("approvals", "list", "--json").document["questions"]
    if words[0] == "exec":
        lathe.ok("approvals", "answer", question["id"], "--approve", "--no-run")
    words = [{"QUESTION": question["id"], "SESSION": parked.session}.get(word, word) for word in words]
    ran = lathe.fails(3, *words, "--json", "--timeout", "5s")
    (aborted,) = ran.of_type("turn_aborted")
    assert aborted["reason"] == "budget" and "time" in aborted["detail"]
    assert ran.of_type("error")[-1]["code"] == "budget_exceeded" and "--timeout 5.0s" in ran.err


def test_an_answer_without_the_key_is_recorded_and_says_how_to_go_on(lathe, parked, repository):
    _, asked, question = parked
    ran = lathe.fails(1, "approvals", "answer", question["id"], "--approve", env={"MOCK_KEY": None})
    assert "the answer is recorded" in ran.err and f"set MOCK_KEY, then lathe exec --resume {asked.session}" in ran.err
    assert lathe.ok("approvals", "list", "--json").document["questions"] == []
    assert "Finished." in lathe.ok("exec", "--resume", asked.session).out
    assert effects(repository) == "ran\n"


def test_denying_is_told_to_the_model(lathe, parked, repository):
    server, _, question = parked
    lathe.ok("approvals", "answer", question["id"], "--deny")
    assert effects(repository) == ""
    assert "denied" in str(server.requests()[1]["body"]).lower() or "declined" in str(server.requests()[1]["body"]).lower()


def test_aborting_ends_the_task(lathe, parked, repository):
    server, _, question = parked
    lathe.fails(4, "approvals", "answer", question["id"], "--abort")
    assert effects(repository) == ""
    assert len(server.requests()) == 1


def test_an_answer_can_only_be_recorded_and_the_task_resumed_later(lathe, parked, repository):
    server, ran, question = parked
    lathe.ok("approvals", "answer", question["id"], "--approve", "--no-run")
    assert len(server.requests()) == 1
    assert effects(repository) == ""
    lathe.ok("session", "resume", ran.session, "go on")
    assert effects(repository) == "ran\n"


def test_a_task_with_its_answers_goes_on_without_a_word(lathe, parked, repository):
    _, ran, question = parked
    without_answer = lathe.fails(5, "session", "resume", ran.session)
    assert question["id"][:8] in without_answer.err
    lathe.ok("approvals", "answer", question["id"], "--approve", "--no-run")
    again = lathe.ok("session", "resume", ran.session)
    assert "Finished." in again.out
    assert effects(repository) == "ran\n"
    assert "prompt" in lathe.fails(1, "session", "resume", ran.session).err


def test_a_question_settles_once(lathe, parked, repository):
    _, _, question = parked
    lathe.ok("approvals", "answer", question["id"], "--approve")
    ran = lathe.fails(1, "approvals", "answer", question["id"], "--approve")
    assert question["id"][:8] in ran.err
    assert effects(repository) == "ran\n"


def test_unattended_the_answer_is_no(lathe, start_server, repository):
    lathe.use(start_server(QUESTION, says("I could not.")))
    lathe.ok("config", "set", "approval-policy", "untrusted")
    ran = lathe.ok("exec", "--json", "run it")
    assert ran.of_type("exec_command_end")[0]["outcome"]["status"] == "declined"
    assert effects(repository) == ""


def test_policy_never_asks_nothing(lathe, start_server, repository):
    lathe.use(start_server(QUESTION, says("Done.")))
    lathe.ok("config", "set", "approval-policy", "never")
    lathe.ok("exec", "run it")
    assert effects(repository) == "ran\n"


@pytest.mark.parametrize("key,expected", [("y", "ran\n"), ("n", "")])
def test_a_person_is_asked_on_the_terminal(lathe, start_server, repository, key, expected):
    lathe.use(start_server(QUESTION, says("Finished.")))
    lathe.ok("config", "set", "approval-policy", "untrusted")
    terminal = Terminal(lathe, "exec", "run it")
    terminal.expect("echo ran")
    terminal.expect("[y] once")
    terminal.type(key)
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert effects(repository) == expected


def test_other_keys_answer_nothing_and_the_right_ones_are_told(lathe, start_server, repository):
    lathe.use(start_server(QUESTION, says("Finished.")))
    lathe.ok("config", "set", "approval-policy", "untrusted")
    terminal = Terminal(lathe, "exec", "run it")
    terminal.expect("end the task: ")
    for typed in ("foo", "o", "d", "\r"):
        told = len(terminal.text)
        terminal.type(typed)
        terminal.expect_one_of("One of these keys:", after=told)
        terminal.expect_one_of("end the task: ", after=told)
    assert effects(repository) == ""
    terminal.type("y\r")
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert effects(repository) == "ran\n"


@pytest.mark.parametrize("key,expected", [("y", "ran\n"), ("n", "")])
def test_a_person_tells_the_model_something_with_the_answer(lathe, start_server, repository, key, expected):
    server = start_server(QUESTION, says("Finished."))
    lathe.use(server)
    lathe.ok("config", "set", "approval-policy", "untrusted")
    terminal = Terminal(lathe, "exec", "run it")
    terminal.expect("end the task: ")
    terminal.type("t")
    terminal.expect("the model is told")
    told = len(terminal.text)
    terminal.type("mind the gap\n")
    terminal.expect_one_of("end the task: ", after=told)
    assert effects(repository) == ""
    terminal.type(key)
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert effects(repository) == expected
    assert "mind the gap" in json.dumps(server.requests()[-1]["body"])


def test_for_the_session_asks_the_same_thing_once(lathe, start_server, repository):
    lathe.use(start_server(QUESTION, QUESTION, says("Finished.")))
    lathe.ok("config", "set", "approval-policy", "untrusted")
    terminal = Terminal(lathe, "exec", "run it twice")
    terminal.expect("echo ran")
    terminal.expect("[y] once")
    terminal.type("s")
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert effects(repository) == "ran\nran\n"


def test_a_change_approved_for_the_session_is_asked_about_again_when_a_link_takes_it_elsewhere(lathe, start_server, repository):
    (lathe.home / "policies").mkdir(parents=True)
    (lathe.home / "policies/mine.yaml").write_text("rules: [{tool: write_file, decision: ask}]\n")
    (repository / "other.txt").write_text("kept\n")

    def write(content):
        return calls(tool("write_file", path="note.txt", content=content))

    lathe.use(start_server(write("one\n"), write("two\n"), calls(shell("ln -sf other.txt note.txt")),
                           calls(read_file("note.txt")), write("three\n"), says("Finished.")))
    terminal = Terminal(lathe, "exec", "write it")
    terminal.expect("end the task: ")
    terminal.type("s")
    terminal.expect("note.txt leads to")
    terminal.expect_one_of("end the task: ", after=terminal.text.index("note.txt leads to"))
    terminal.type("n")
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert (repository / "note.txt").is_symlink() and (repository / "other.txt").read_text() == "kept\n"
    (session,) = lathe.ok("session", "list", "--json").document["sessions"]
    kept = [json.loads(line)["msg"] for line in lathe.ok("session", "export", session["session_id"]).out.splitlines()]
    questions = [record for record in kept if record["type"] == "apply_patch_approval_request"]
    assert [question["paths"] for question in questions] == [[f"{repository}/note.txt"], [f"{repository}/other.txt"]]
    assert [record["decision"] for record in kept if record["type"] == "approval_resolved"] == ["approved_for_session", "denied"]


@pytest.fixture
def three(lathe, start_server, repository, tmp_path):
    """Three calls of one answer that a person is asked about, around one that needs nobody."""
    (tmp_path / "notes.txt").write_text("of the person\n")
    lathe.use(start_server(calls(shell("echo one >> effects.txt"), read_file(str(tmp_path / "notes.txt")),
                                 read_file("greeting.txt"), shell("echo two >> effects.txt")), says("Finished.")))
    lathe.ok("config", "set", "approval-policy", "untrusted")


def test_all_questions_of_an_answer_are_shown_together(lathe, three, repository):
    terminal = Terminal(lathe, "exec", "run them")
    terminal.expect("3 questions wait:")
    after = terminal.text.index("3 questions wait:")
    for label in ("$ echo one", "notes.txt", "$ echo two"):
        terminal.expect_one_of(label, after=after)
    assert effects(repository) == ""
    seen = 0
    for headline, key in (("May this command run?", "y"), ("May read_file be called?", "n"), ("May this command run?", "y")):
        terminal.expect_one_of(headline, after=seen)
        seen = terminal.text.index(headline, seen) + len(headline)
        terminal.expect_one_of("end the task: ", after=seen)
        terminal.type(key)
    terminal.expect("Finished.")
    assert terminal.wait() == 0
    assert effects(repository) == "one\ntwo\n"


def test_a_task_parks_with_all_its_questions_and_goes_on_with_the_last_answer(lathe, three, repository):
    ran = lathe.fails(4, "exec", "--json", "--ask", "wait", "run them")
    ids = [question["id"] for question in lathe.ok("approvals", "list", "--json").document["questions"]]
    assert len(ids) == 3 and ran.of_type("task_parked")[0]["questions"] == ids
    for waits in (ids[2], ids[0]):
        assert "still waits" in lathe.fails(4, "approvals", "answer", waits, "--approve").err
    assert effects(repository) == ""
    assert "Finished." in lathe.ok("approvals", "answer", ids[1], "--deny").out
    assert effects(repository) == "one\ntwo\n"
