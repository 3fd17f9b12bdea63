"""What holds after a crash, whatever died."""
import collections
import json
import os
import pathlib
import re


def processes_in(folder):
    """Processes whose working folder is in `folder`, or whose environment names it."""
    marks = os.fsencode(folder)
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if os.readlink(entry / "cwd").startswith(str(folder)) or marks in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def check_records(records, effects):
    """`records`: the lines of a session; `effects`: how often the command of each name left its trace."""
    events = [json.loads(line) for line in records]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    commands = {}
    ends = collections.defaultdict(list)
    for event in events:
        message = event["msg"]
        if message["type"] == "tool_calls":
            for call in message["calls"]:
                found = re.search(r"echo (\w+) >>", call["arguments"])
                if found:
                    commands[call["call_id"]] = found.group(1)
        if message["type"].endswith("_end") and "call_id" in message:
            ends[message["call_id"]].append(message["outcome"]["status"])
    for call_id, statuses in ends.items():
        assert len(statuses) == 1, f"call {call_id} ended {len(statuses)} times"
    for call_id, name in commands.items():
        assert effects[name] <= 1, f"{name} ran {effects[name]} times"
        if ends[call_id] == ["completed"]:
            assert effects[name] == 1, f"{name} is called completed and never ran"
