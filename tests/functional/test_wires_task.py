"""The task of the demo over every real wire: the tests are red, the agent reads, patches, runs them, and they are green."""
import json
import shutil
import subprocess

import pytest

from conftest import ROOT
from support import WIRES

PROMPT = "The tests of this repository fail. Find out why, repair the code, and run the tests again."


def is_green(folder):
    return subprocess.run(["python3", "-B", "-m", "unittest", "-q"], cwd=folder, capture_output=True).returncode == 0


@pytest.mark.parametrize("wire", WIRES)
def test_the_task_of_the_demo(lathe, start_server, tmp_path, wire):
    project = tmp_path / "project"
    shutil.copytree(ROOT / "demo/project", project)
    subprocess.run(["git", "init", "-q", "."], cwd=project, check=True)
    assert not is_green(project)

    script = json.loads((ROOT / "demo/model.json").read_text())
    server = start_server(*script["answers"], models=script["models"])
    lathe.use(server, wire)
    ran = lathe.ok("exec", "--json", PROMPT, cwd=project)

    assert is_green(project)
    assert [end["exit_code"] == 0 for end in ran.of_type("exec_command_end")] == [False, True]
    reads = [call["tool"] for told in ran.of_type("tool_calls") for call in told["calls"]]
    assert reads == ["shell", "read_file", "read_file", "apply_patch", "shell"]
    assert "+    share, remainder = divmod(total_cents, people)" in ran.of_type("turn_diff")[-1]["unified_diff"]
    assert "All four tests pass now." in ran.of_type("task_complete")[0]["last_agent_message"]
    assert [request["wire"] for request in server.requests()] == [WIRES[wire]] * 5
    assert server.control("prefix_breaks") == []
