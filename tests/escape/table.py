"""Which cases serve which class of incidents and which line; README.md holds it."""
from allowed import ALLOWED
from attack import KINDS, LEVELS, LINES
from cases import ATTACKS
from cases.refusals import REFUSALS
from cases.sessions import SESSION_ATTACKS

CASES = (*ATTACKS, *SESSION_ATTACKS, *ALLOWED, *REFUSALS)
INITIALS = {level: level[0] for level in LEVELS}
BEGIN, END = "<!-- the table -->\n", "<!-- the end of the table -->\n"


def serving(kind):
    return [case for case in CASES if kind in case.kinds]


def in_words(case):
    """Its name, with the levels behind it when they are not all."""
    levels = "".join(INITIALS[level] for level in LEVELS if level in case.levels)
    return case.name if len(levels) == len(LEVELS) else f"{case.name} ({levels})"


def table():
    rows = [f"| {kind} | {', '.join(map(in_words, serving(kind)))} |\n" for kind in (*KINDS, *LINES)]
    return "| serves | cases |\n|---|---|\n" + "".join(rows)
