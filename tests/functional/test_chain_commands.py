"""`lathe chain`: what is wrong with workflow files, their pictures, and what a run of one may spend."""
import json
import pathlib
import xml.etree.ElementTree as ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALID = ROOT / "src/chain/testdata/valid"
PLANTED = ROOT / "src/chain/testdata/planted"

REVIEW = """\
id: review
inputs:
  diff: {from: stdin}
budget: {turns: 40, tokens: 100000}
tasks:
  - id: read
    handler: chat_completion
    prompt_template: "Review this: {{.diff}}"
    transition: {branches: [{operator: default, goto: end}]}
"""


def write(lathe, name, text):
    (lathe.cwd / name).write_text(text)
    return name


def test_a_good_file_is_ok_and_tells_what_it_may_spend(lathe):
    ran = lathe.ok("chain", "validate", write(lathe, "review.yaml", REVIEW))
    assert ran.out.startswith("review.yaml: ok\n  review, at most:\n"), str(ran)
    assert "100" in ran.out and ran.err == ""


def test_all_that_is_wrong_comes_at_once_with_its_place(lathe):
    text = REVIEW.replace("goto: end", "goto: raed").replace("{{.diff}}", "{{.dif}}")
    ran = lathe.fails(1, "chain", "validate", write(lathe, "review.yaml", text))
    lines = ran.out.splitlines()
    assert all(line.startswith("review.yaml:") for line in lines), str(ran)
    assert any(line.startswith("review.yaml:9:") and "raed" in line and '"read"' in line for line in lines), str(ran)
    assert any(line.startswith("review.yaml:8:") and "dif" in line for line in lines), str(ran)
    document = lathe.fails(1, "chain", "validate", "--format", "json", "review.yaml").document
    assert [f"review.yaml:{one['line']}:{one['column']}" for one in document["files"][0]["findings"]] == \
        [":".join(line.split(":")[:3]) for line in lines]


def test_code_hosts_get_sarif(lathe):
    write(lathe, "review.yaml", REVIEW.replace("goto: end", "goto: raed"))
    run = json.loads(lathe.fails(1, "chain", "validate", "--format", "sarif", "review.yaml").out)["runs"][0]
    (wrong,) = [one for one in run["results"] if one["ruleId"] == "unknown-goto"]
    assert wrong["level"] == "error" and {"id": "unknown-goto"} in run["tool"]["driver"]["rules"]
    place = wrong["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "review.yaml" and place["region"]["startLine"] == 9


def test_planted_defects_are_found_by_the_program(lathe):
    """But for those that only show with what there is on a machine."""
    files = sorted(path for path in PLANTED.iterdir() if path.suffix in (".yaml", ".json"))
    document = json.loads(lathe.run("chain", "validate", "--format", "json", *files).out)
    found = {file.stem.split(".")[0] for file, told in zip(files, document["files"], strict=True)
             if file.stem.split(".")[0] in [one["id"] for one in told.get("findings", [])]}
    assert len(found) >= 60, sorted({file.stem for file in files} - found)


@pytest.mark.parametrize("file", sorted(VALID.iterdir()) if VALID.exists() else [], ids=lambda path: path.name)
def test_what_is_valid_is_drawn_in_every_format(lathe, file):
    assert lathe.run("chain", "validate", file).code == 0
    drawn = {form: lathe.ok("chain", "graph", "--format", form, file).out for form in ("text", "mermaid", "dot", "svg")}
    assert drawn["mermaid"].startswith("flowchart") or drawn["mermaid"].startswith("graph"), drawn["mermaid"]
    assert drawn["dot"].startswith("digraph") and drawn["text"].strip()
    assert ElementTree.fromstring(drawn["svg"]).tag.endswith("svg")
    assert lathe.ok("chain", "show", file).out.strip()


def test_nothing_of_the_persons_is_touched(lathe, tmp_path):
    (lathe.home / "config.yaml").parent.mkdir(parents=True, exist_ok=True)
    (lathe.home / "config.yaml").write_text("backends: [\n")
    lathe.ok("chain", "validate", write(lathe, "review.yaml", REVIEW))
    assert sorted(path.name for path in lathe.home.iterdir()) == ["config.yaml"]


def test_the_schema_is_one(lathe):
    schema = json.loads(lathe.ok("chain", "schema").out)
    assert schema["$schema"].startswith("https://json-schema.org/") and "tasks" in json.dumps(schema)


@pytest.mark.parametrize(("text", "said"), [("", "empty"), ("a: [\n", ":"), ("- 1\n", ":"), ("id: x\ntasks: []\n", "task")])
def test_what_is_no_chain_is_told(lathe, text, said):
    ran = lathe.fails(1, "chain", "validate", write(lathe, "x.yaml", text))
    assert ran.out.startswith("x.yaml:") and said in ran.out, str(ran)
    assert lathe.fails(1, "chain", "graph", "x.yaml").err.startswith("lathe: "), "a picture of nothing"


def test_a_file_that_is_not_there_is_named(lathe):
    ran = lathe.fails(1, "chain", "validate", "none.yaml")
    assert "none.yaml" in ran.err
    ran = lathe.fails(1, "chain", "graph", "--chain", "revue", write(lathe, "review.yaml", REVIEW))
    assert "revue" in ran.err and "review" in ran.err
