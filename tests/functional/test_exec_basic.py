"""`lathe exec`: the same task over every wire: read a file, run a command, patch, answer."""
import json
import os
import stat
import subprocess

import pytest

from support import LONG_FORMS, WIRES, apply_patch, calls, read_file, says, shell

PATCH = "*** Begin Patch\n*** Update File: greeting.txt\n hello\n-world\n+moon\n*** End Patch\n"


def script():
    return [
        calls(read_file("greeting.txt"), usage={"input": 100, "output": 10}),
        calls(shell("wc -l < greeting.txt"), usage={"input": 200, "cached": 100, "output": 10}),
        calls(apply_patch(PATCH), usage={"input": 300, "cached": 200, "output": 20}),
        says("The greeting ", "is changed.", usage={"input": 400, "cached": 300, "output": 30}),
    ]


@pytest.mark.parametrize("wire", WIRES)
def test_a_task_runs_end_to_end(lathe, start_server, repository, wire):
    server = start_server(*script())
    lathe.use(server, wire)
    ran = lathe.ok("exec", "--json", "change the greeting")

    assert (repository / "greeting.txt").read_text() == "hello\nmoon\n"
    types = [message["type"] for message in ran.messages]
    assert types[0] == "session_configured"
    assert ran.messages[0]["provider"] == WIRES[wire]
    assert types.count("task_started") == 1 and types.count("task_complete") == 1
    assert types.count("turn_complete") == 4
    command = ran.of_type("exec_command_end")[0]
    assert command["exit_code"] == 0 and "2" in command["outcome"]["output"]
    change = ran.of_type("patch_apply_begin")[0]["changes"][0]
    assert (change["path"], change["kind"]) == ("greeting.txt", "update")
    end = ran.of_type("task_complete")[0]
    assert end["last_agent_message"] == "The greeting is changed."
    assert (end["turns"], end["tool_calls"]) == (4, 3)
    assert end["usage"]["input_tokens"] == 1000 and end["usage"]["output_tokens"] == 70
    if wire != "ollama":  # which has no word for cached tokens
        assert end["usage"]["cached_input_tokens"] == 600

    requests = server.requests()
    assert [request["wire"] for request in requests] == [WIRES[wire]] * 4
    assert "hello" in json.dumps(requests[1]["body"])
    assert server.control("prefix_breaks") == []


def test_every_event_is_a_frame_in_order(lathe, start_server):
    lathe.use(start_server(*script()))
    ran = lathe.ok("exec", "--json", "change the greeting")
    durable = [frame["seq"] for frame in ran.frames if "seq" in frame]
    assert durable == list(range(1, len(durable) + 1))
    assert {frame["session"] for frame in ran.frames if "msg" in frame} == {ran.session}
    deltas = "".join(message["text"] for message in ran.of_type("agent_message_delta"))
    assert deltas == "The greeting is changed."


def test_text_mode_puts_the_answer_on_stdout_and_the_rest_on_stderr(lathe, start_server):
    lathe.use(start_server(*script()))
    ran = lathe.ok("exec", "change the greeting")
    assert ran.out.strip() == "The greeting is changed."
    assert "wc -l" in ran.err
    assert "+moon" in ran.err and "-world" in ran.err
    assert "not confined" not in ran.err
    assert "1,000" in ran.err or "1000" in ran.err or "1.0k" in ran.err  # the usage line
    assert "\x1b" not in ran.out + ran.err  # no terminal, no colours


def test_the_last_message_goes_to_a_file(lathe, start_server, tmp_path):
    lathe.use(start_server(says("All is well.")))
    lathe.ok("exec", "--output-last-message", str(tmp_path / "last.txt"), "look")
    assert (tmp_path / "last.txt").read_text().rstrip("\n") == "All is well."


def test_codex_event_names(lathe, start_server):
    lathe.use(start_server(*script()))
    events = lathe.ok("exec", "--json=codex", "change the greeting").frames
    types = [event["type"] for event in events]
    assert types[0] == "thread.started" and events[0]["thread_id"]
    assert "turn.started" in types and types[-1] == "turn.completed"
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    assert [item["type"] for item in items if item["type"] in ("command_execution", "file_change", "agent_message")] == [
        "command_execution", "file_change", "agent_message"]


def test_codex_events_have_the_output_of_a_command_alone(lathe, start_server):
    lathe.use(start_server(calls(shell("echo one; exit 3")), says("Done.")))
    items = [event["item"] for event in lathe.ok("exec", "--json=codex", "go").frames if event["type"] == "item.completed"]
    assert [(item["aggregated_output"], item["exit_code"], item["status"]) for item in items
            if item["type"] == "command_execution"] == [("one\n", 3, "failed")]


def test_another_folder(lathe, start_server, repository, tmp_path):
    lathe.use(start_server(calls(shell("pwd")), says("Seen.")))
    ran = lathe.ok("exec", "--json", "--cwd", str(repository), "where are you", cwd=tmp_path)
    assert str(repository) in ran.of_type("exec_command_end")[0]["outcome"]["output"]


def test_parallel_calls_get_their_results_in_call_order(lathe, start_server):
    # The first takes longest, so that no other order than that of the calls is right by chance.
    server = start_server(calls(shell("sleep 0.3; echo first"), read_file("greeting.txt"), shell("echo third")), says("All."))
    lathe.use(server)
    ran = lathe.ok("exec", "--json", "do all")
    asked = [call["call_id"] for call in ran.of_type("tool_calls")[0]["calls"]]
    assert len(set(asked)) == 3
    assert [message["call_id"] for message in ran.of_type("exec_command_end", "tool_call_end")] == asked
    sent = server.requests()[1]["body"]["input"]
    assert [item["call_id"] for item in sent if item["type"] == "function_call"] == asked
    told = [item for item in sent if item["type"] == "function_call_output"]
    assert [item["call_id"] for item in told] == asked
    assert ["first" in told[0]["output"], "hello" in told[1]["output"], "third" in told[2]["output"]] == [True] * 3


def test_a_commands_exit_code_is_shown_once(lathe, start_server):
    lathe.use(start_server(calls(shell("echo broken >&2; exit 3")), says("It failed.")))
    shown = lathe.ok("exec", "try").err
    assert "  broken\n  exit 3 in " in shown and "Exit code" not in shown


def test_a_failing_command_is_told_to_the_model_and_the_task_goes_on(lathe, start_server):
    server = start_server(calls(shell("echo broken >&2; exit 3")), says("It failed."))
    lathe.use(server)
    ran = lathe.ok("exec", "--json", "try")
    end = ran.of_type("exec_command_end")[0]
    assert end["exit_code"] == 3 and "broken" in end["outcome"]["output"]
    assert "broken" in json.dumps(server.requests()[1]["body"])


@pytest.mark.parametrize("bad", [{"name": "no_such_tool", "arguments": {}},
                                 {"name": "shell", "arguments": "{\"command\": \"ls"},
                                 {"name": "read_file", "arguments": {"path": "missing.txt"}},
                                 {"name": "shell", "arguments": {}}])
def test_a_bad_call_gets_an_error_result_and_the_task_goes_on(lathe, start_server, bad):
    lathe.use(start_server(calls(bad), says("I see.")), "openai-chat")
    ran = lathe.ok("exec", "--json", "try")
    ends = ran.of_type("tool_call_end", "exec_command_end")
    assert len(ends) == 1 and ends[0]["outcome"]["status"] == "failed"
    assert ran.of_type("task_complete")[0]["last_agent_message"] == "I see."


def test_a_spent_turn_budget_ends_with_its_own_reason(lathe, start_server):
    lathe.use(start_server(calls(shell("true")), calls(shell("true again")), says("never")))
    ran = lathe.fails(2, "exec", "--json", "--max-turns", "1", "go")
    assert ran.of_type("turn_aborted")[0]["reason"] == "budget"
    assert not ran.of_type("task_complete")


def test_max_usd_with_an_unknown_price_is_refused_by_name(lathe, start_server):
    server = start_server(says("never"))
    lathe.use(server)
    ran = lathe.fails(1, "exec", "--max-usd", "1", "go")
    assert "mock" in ran.err and "price" in ran.err
    assert server.requests() == []


def test_the_price_of_one_backends_model_makes_it_known(lathe, start_server):
    lathe.use(start_server(says("Hi.")))
    (lathe.home / "models.yaml").write_text("models:\n  mock/mock: {input: 1, output: 2}\n")
    lathe.ok("exec", "--max-usd", "1", "go")


def test_a_timeout_is_exit_3(lathe, start_server):
    lathe.use(start_server(says("Hel", {"stall": True})))
    ran = lathe.fails(3, "exec", "--timeout", "1s", "--json", "go")
    (aborted,) = ran.of_type("turn_aborted")
    assert aborted["reason"] == "budget" and "time" in aborted["detail"] and "1.0s" in aborted["detail"]
    assert ran.of_type("error")[-1]["message"] == aborted["detail"]
    assert "--timeout 1.0s" in ran.err


def test_a_command_that_a_timeout_ends_is_told_so(lathe, start_server):
    lathe.use(start_server(calls(shell("sleep 60"))))
    ran = lathe.fails(3, "exec", "--timeout", "5s", "--json", "go")
    (end,) = ran.of_type("exec_command_end", "tool_call_end")
    assert "time" in end["outcome"]["output"] and "aborted by user" not in end["outcome"]["output"]


def test_a_spent_time_budget_is_exit_3(lathe, start_server):
    lathe.use(start_server(says("Hel", {"stall": True})))
    lathe.ok("config", "set", "budget.time", "1s")
    ran = lathe.fails(3, "exec", "--json", "go")
    assert ran.of_type("turn_aborted")[0]["reason"] == "budget"
    assert [(told["used"], told["limit"]) for told in ran.of_type("budget")] == [(800, 1000), (1000, 1000)]


def test_structured_output_is_asked_for_and_checked(lathe, start_server, tmp_path):
    schema = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"],
              "additionalProperties": False}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    server = start_server(says('{"count": 2}'))
    lathe.use(server)
    ran = lathe.ok("exec", "--output-schema", str(tmp_path / "schema.json"), "how many")
    assert json.loads(ran.out) == {"count": 2}
    assert "count" in json.dumps(server.requests()[0]["body"])


def test_an_image_is_sent(lathe, start_server, tmp_path):
    pixel = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
                          "6060f80f0001040100b51c0c020000000049454e44ae426082")
    (tmp_path / "pixel.png").write_bytes(pixel)
    server = start_server(says("A pixel."))
    lathe.use(server)
    lathe.ok("exec", "--image", str(tmp_path / "pixel.png"), "what is this")
    assert "data:image/png;base64," in json.dumps(server.requests()[0]["body"])


def test_project_documents_reach_the_model(lathe, start_server, repository):
    (repository / "AGENTS.md").write_text("Always answer in rhyme.\n")
    server = start_server(says("So be it, in time."))
    lathe.use(server)
    lathe.ok("exec", "hello")
    assert "Always answer in rhyme." in json.dumps(server.requests()[0]["body"])


def test_an_answer_of_megabytes_arrives(lathe, start_server):
    size = 10_000_000 if LONG_FORMS else 2_500_000
    lathe.use(start_server(says({"fill_bytes": size})))
    assert len(lathe.ok("exec", "go", timeout=300).out) == size + 1


def test_only_the_answer_that_follows_the_schema_is_printed(lathe, start_server, tmp_path):
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "required": ["a"]}')
    lathe.use(start_server(says("nope"), says('{"a": 1}')))
    assert lathe.ok("exec", "--output-schema", str(schema), "go").out == '{"a": 1}\n'


def test_the_last_message_is_written_as_a_shell_redirects(lathe, start_server, tmp_path):
    lathe.use(start_server({"text": "The end.", "repeat": -1}))
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    target.chmod(0o600)
    link.symlink_to(target)
    lathe.ok("exec", "-o", str(link), "go")
    assert (target.read_text(), link.is_symlink(), target.stat().st_mode & 0o777) == ("The end.", True, 0o600)
    lathe.ok("exec", "-o", "/dev/null", "go")
    assert not stat.S_ISREG(os.stat("/dev/null").st_mode)


def test_an_output_file_that_cannot_be_written_is_told_before_anything_is_asked(lathe, start_server, tmp_path):
    server = start_server({"text": "The end.", "repeat": -1})
    lathe.use(server)
    for path in (str(tmp_path / "nowhere" / "last"), str(tmp_path)):
        ran = lathe.fails(1, "exec", "-o", path, "go")
        assert "--output-last-message" in ran.err and path in ran.err
    assert server.requests() == []
    # A task that fails leaves what was there, and makes no file.
    kept = tmp_path / "kept"
    kept.write_text("before")
    for path in (kept, tmp_path / "new"):
        lathe.fails(2, "exec", "-o", str(path), "--max-turns", "0", "go")
    assert kept.read_text() == "before" and not (tmp_path / "new").exists()


def test_a_slow_reader_misses_no_notice(lathe):
    """A pipe that is full when the program has something to say: it says it once there is room."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    filled = 0
    try:
        while True:
            filled += os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    process = subprocess.Popen([lathe.program, "sesion", "list"], stderr=writer, stdout=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL, env=lathe.environment(), cwd=lathe.cwd)
    os.close(writer)
    try:
        process.wait(timeout=2)  # it has nothing to do but to say it
    except subprocess.TimeoutExpired:
        pass
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()[filled:].decode()
    assert process.wait(timeout=60) == 1
    assert 'no command "sesion"' in told


def test_a_declined_command_is_named_in_codex_events(lathe, start_server):
    lathe.use(start_server(calls(shell("touch made.txt")), says("Then not.")))
    events = lathe.ok("exec", "--json=codex", "--approval-policy", "untrusted", "go").frames
    (item,) = [event["item"] for event in events
               if event["type"] == "item.completed" and event["item"]["type"] == "command_execution"]
    assert (item["command"], item["status"]) == ("touch made.txt", "declined")


def test_a_failed_task_says_what_it_cost(lathe, start_server):
    lathe.use(start_server(calls(shell("true"), usage={"input": 100, "output": 0}),
                           {"error": {"status": 400, "message": "no more"}, "repeat": -1}))
    (lathe.home / "models.yaml").write_text("models:\n  mock: {input: 20000, output: 8}\n")
    assert "$2.00" in lathe.fails(5, "exec", "go").err
    lathe.use(start_server({"error": {"status": 400, "message": "no more"}, "repeat": -1}))
    ran = lathe.fails(5, "exec", "go")
    assert "price unknown" not in ran.err and "tokens in" not in ran.err


def test_closed_standard_streams_are_no_files_of_ours(lathe, start_server):
    lathe.use(start_server({"text": "Hello.", "repeat": -1}))
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        ran = subprocess.run(["sh", "-c", f'exec "$0" exec -o last go {closed}', lathe.program], env=lathe.environment(),
                             cwd=lathe.cwd, stdin=subprocess.DEVNULL, capture_output=True)
        assert ran.returncode == 0, (closed, ran)
        assert (lathe.cwd / "last").read_text() == "Hello."


def test_a_mistyped_backend_in_a_model_name_goes_nowhere(lathe, start_server):
    server = start_server({"text": "Hello.", "repeat": -1})
    lathe.use(server)
    assert '"mock"' in lathe.fails(1, "exec", "--model", "mok/gpt", "go").err
    assert server.requests() == []
    lathe.ok("exec", "--model", "vendor/gpt", "go")
    lathe.ok("exec", "--backend", "mock", "--model", "mock/gpt", "go")
    assert [request["body"]["model"] for request in server.requests()] == ["vendor/gpt", "gpt"]


def test_a_mistyped_setting_is_told(lathe, start_server):
    lathe.use(start_server(says("Hello.")))
    path = next(lathe.home.rglob("config.yaml"))
    path.write_text(path.read_text() + "aproval-policy: untrusted\n")
    assert "approval-policy" in lathe.ok("exec", "go").err
