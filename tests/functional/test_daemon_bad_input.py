"""Bad input gets the same words, code and next step whether the engine runs in the daemon or in the process itself."""
import re

import pytest

NOWHERE = "0190ffff-0000-7000-8000-000000000000"
# What is typed, the exit code, and what the message names.
ROWS = [
    ("exec --backend keyless --model m go", 1, ["keyless", "set NEVER_SET"]),
    ("exec --backend mok go", 1, ['no backend "mok"', 'did you mean "mock"?']),
    ("exec --model mok/x go", 1, ['no backend "mok"', 'did you mean "mock"?']),
    ("exec --cwd nowhere go", 1, ["--cwd nowhere", "check how the path is written"]),
    (f"exec --resume {NOWHERE} go", 1, [NOWHERE, "lathe session list"]),
    (f"session show {NOWHERE}", 1, [NOWHERE, "lathe session list"]),
    ("exec refuse-401", 5, ["HTTP 401", "check the key in MOCK_KEY"]),
    ("exec refuse-403", 5, ["HTTP 403", "MOCK_KEY"]),
    ("exec refuse-404", 1, ['model "mock"', 'did you mean "mockk"?']),
    ("exec refuse-413", 5, ["HTTP 413", "/compact", "lathe model list --backend mock"]),
    ("exec answer-garbage", 5, ["Bad gateway", "lathe backend list"]),
    ("exec --max-turns 0 go", 2, ["the budget of turns is spent"]),
]


@pytest.fixture
def both(lathe, start_server, daemon):
    def when(prompt, **answer):
        return {**answer, "when": {"body_contains": prompt}, "repeat": -1}

    lathe.use(start_server(*(when(f"refuse-{status}", error={"status": status}) for status in (401, 403, 413)),
                           when("refuse-404", error={"status": 404, "message": "model mock does not exist"}),
                           when("answer-garbage", raw={"body": "<html>Bad gateway</html>"}), models=[{"id": "mockk"}]))
    lathe.ok("backend", "add", "keyless", "--type", "openai", "--url", "http://127.0.0.1:9/v1", "--api-key-env", "NEVER_SET")
    daemon()
    return lathe


def without_ids(text):
    """What differs from run to run taken out."""
    return re.sub(r"\b[0-9.]+m?s\b", "TIME", re.sub(r"session [0-9a-f-]{36}$", "session ID", text, flags=re.MULTILINE))


def test_both_engines_say_the_same_of_bad_input(both):
    for line, code, named in ROWS:
        here, there = (both.fails(code, *line.split(), *where) for where in (["--embedded"], []))
        for words in named:
            assert words in here.err, str(here)
        assert without_ids(here.err) == without_ids(there.err), f"{here}\n{there}"
        assert here.out == there.out and here.err.count(named[0]) == 1, str(here)
