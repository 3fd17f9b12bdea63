"""Checks the exported JSON Schema with an independent validator (python3-jsonschema).

Every golden frame must be valid, and each broken frame below invalid. Run with the folder that holds
protocol.schema.json and frames/.
"""
import copy
import json
import pathlib
import sys

import jsonschema

FOLDER = pathlib.Path(sys.argv[1])
SCHEMA = json.loads((FOLDER / "protocol.schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(SCHEMA)


def validator_of(definition):
    return jsonschema.Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{definition}"}]})


CLIENT = validator_of("ClientFrame")
SERVER = validator_of("ServerFrame")
GOLDEN = {path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "frames").glob("*.json"))}


def required_of(frame):
    """Paths of members whose loss must be noticed, as the definitions name them."""
    for part in ("op", "call", "msg", "reply"):
        if part not in frame:
            continue
        kind = {"op": "Op", "call": "Call", "msg": "EventMsg", "reply": "Reply"}[part]
        for member in SCHEMA["$defs"][kind]["oneOf"]:
            definition = SCHEMA["$defs"][member["$ref"].rsplit("/", 1)[1]]
            if definition["properties"]["type"]["const"] == frame[part]["type"]:
                properties = definition["properties"]
                # What is opaque by nature has no kind.
                return [(part, name, bool(properties[name].keys() - {"description", "default"}))
                        for name in definition["required"]]
    return []


def main():
    problems = []
    broken = 0
    for name, frame in GOLDEN.items():
        good, other = (CLIENT, SERVER) if name.startswith(("op.", "call.")) else (SERVER, CLIENT)
        for error in good.iter_errors(frame):
            problems.append(f"{name}: refused: {error.message[:200]}")
        if other.is_valid(frame):
            problems.append(f"{name}: accepted in the wrong direction")
        if not good.is_valid({**frame, "new_field": 1}):
            problems.append(f"{name}: an unknown field is refused")
        for part, member, has_kind in required_of(frame):
            for change in ("missing", "of a wrong kind", "of an unknown type"):
                if change == "of a wrong kind" and not has_kind:
                    continue
                mutant = copy.deepcopy(frame)
                if change == "missing":
                    del mutant[part][member]
                elif change == "of a wrong kind":
                    mutant[part][member] = {"x": 1.5} if not isinstance(frame[part][member], dict) else "x"
                else:
                    mutant[part]["type"] = "no_such_type"
                broken += 1
                if good.is_valid(mutant):
                    problems.append(f"{name}: accepted with {part}.{member} {change}")
    for extra in ([], "x", 1, None, {}, {"id": "1"}, {"id": 1, "op": {"type": "interrupt"}},
                  {"id": "1", "op": {"type": "user_input", "items": [{"type": "text"}]}},
                  {"id": "1", "op": {"type": "user_input", "items": [], "if_busy": "now"}}):
        broken += 1
        if CLIENT.is_valid(extra):
            problems.append(f"accepted: {extra}")
    unsealed = {key: value for key, value in GOLDEN["event.agent_message"].items() if key != "crc"}
    if SERVER.is_valid(unsealed):
        problems.append("accepted: a durable event without its crc")
    print("\n".join(problems) or f"{len(GOLDEN)} frames accepted, {broken + 1} broken ones refused")
    return 1 if problems or len(GOLDEN) < 80 else 0


if __name__ == "__main__":
    sys.exit(main())
