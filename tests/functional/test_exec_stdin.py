"""Where the prompt comes from: the argument, stdin, or both when `-` says so."""
import json
import os
import subprocess

from support import says


def sent(server):
    return json.dumps(server.requests()[0]["body"])


def test_stdin_is_the_prompt_when_there_is_none(lathe, start_server):
    server = start_server(says("Read."))
    lathe.use(server)
    lathe.ok("exec", input="summarise the moon landing")
    assert "summarise the moon landing" in sent(server)


def test_stdin_is_added_only_when_asked(lathe, start_server):
    server = start_server(says("Read."), says("Read."))
    lathe.use(server)
    lathe.ok("exec", "the prompt", "-", input="the attachment")
    assert "the prompt" in sent(server) and "the attachment" in sent(server)


def test_an_open_stdin_with_a_prompt_never_blocks(lathe, start_server):
    lathe.use(start_server(says("Done.")))
    read_end, write_end = os.pipe()
    try:
        process = lathe.start("exec", "the prompt", stdin=read_end)
        assert lathe.finish(process).code == 0
    finally:
        os.close(read_end)
        os.close(write_end)


def test_no_prompt_and_an_empty_stdin_is_a_usage_error(lathe, start_server):
    server = start_server(says("never"))
    lathe.use(server)
    ran = lathe.fails(1, "exec", input="")
    assert "prompt" in ran.err
    assert server.requests() == []


def test_a_slow_stdin_is_announced_and_waited_for(lathe, start_server):
    lathe.use(start_server(says("Read.")))
    process = lathe.start("exec", stdin=subprocess.PIPE)
    notice = process.stderr.readline().decode()
    assert "stdin" in notice
    assert lathe.finish(process, input=b"at last").code == 0


def test_invalid_utf8_and_a_huge_prompt_are_refused_or_cleaned(lathe, start_server):
    server = start_server({"text": "Read.", "repeat": -1})
    lathe.use(server)
    assert "UTF-8" in lathe.ok("exec", input=b"caf\xe9 \xff\xfe end").err
    assert "caf\ufffd" in json.dumps(server.requests()[0]["body"], ensure_ascii=False)
    ran = lathe.fails(1, "exec", input=b"x" * (2 << 20))
    assert "1.0 MiB" in ran.err


def test_a_message_of_a_chat_is_settled_as_a_prompt_is(lathe, start_server):
    server = start_server({"text": "Read.", "repeat": -1})
    lathe.use(server)
    ran = lathe.ok("chat", input=b"x" * ((1 << 20) + 1) + b"\ncaf\xe9\n")
    assert "longer than 1.0 MiB (put the text in a file" in ran.err and ran.err.count("not UTF-8") == 1
    (request,) = server.requests()
    assert "caf\ufffd" in json.dumps(request["body"], ensure_ascii=False)
