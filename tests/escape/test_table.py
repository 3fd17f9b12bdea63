"""The table of cases is whole, and README.md shows it (ACCEPT=1 writes it)."""
import os
import pathlib

from attack import KINDS, LEVELS, LINES
from cases import ATTACKS
from table import BEGIN, CASES, END, serving, table

README = pathlib.Path(__file__).parent / "README.md"


def test_every_class_and_line_has_two_cases():
    assert {kind: len(serving(kind)) for kind in (*KINDS, *LINES) if len(serving(kind)) < 2} == {}


def test_every_class_and_line_is_tried_at_every_level():
    assert [(kind, level) for kind in (*KINDS, *LINES) for level in LEVELS
            if not any(level in case.levels for case in serving(kind))] == []


def test_every_case_serves_something_that_there_is():
    assert [case.name for case in CASES if not set(case.kinds) <= {*KINDS, *LINES} or not case.kinds] == []


def test_names_are_used_once():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert len(ATTACKS) >= 40


def test_readme_shows_the_table():
    text = README.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    wanted = head + BEGIN + table() + END + tail
    if os.environ.get("ACCEPT") == "1":
        README.write_text(wanted)
    assert README.read_text() == wanted, "ACCEPT=1 writes it"
