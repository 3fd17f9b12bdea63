"""clang-tidy as tidy.py runs it: a finding in a source is told, and headers are not looked at."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tidy  # noqa: E402

FINDING = "inline int* nothing() { return 0; }\n"


def checked(folder, source):
    (folder / "header.h").write_text(FINDING)
    (folder / "source.cc").write_text(source)
    (folder / ".clang-tidy").write_text((tidy.ROOT / ".clang-tidy").read_text().replace("HeaderFilterRegex: ''",
                                                                                      "HeaderFilterRegex: '.*'"))
    (folder / "compile_commands.json").write_text(json.dumps([{
        "directory": str(folder), "file": str(folder / "source.cc"), "command": "clang++-19 -std=c++2b -c source.cc"}]))
    return tidy.tidy(folder, tidy.plugin(folder), folder / "source.cc")


def test_a_finding_in_the_source_fails(tmp_path):
    code, output = checked(tmp_path, "int* own() { return 0; }\n")
    assert code != 0 and "modernize-use-nullptr" in output and "source.cc:1" in output


def test_a_header_is_not_walked(tmp_path):
    code, output = checked(tmp_path, '#include "header.h"\nint* own() { return nothing(); }\n')
    assert code == 0, output
