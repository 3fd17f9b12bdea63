"""The recording of the demo fits what Lathe sends to a model today, and the README shows what the demo prints."""
import os
import re
import subprocess

from conftest import BIN, ROOT


def shown_by_the_readme():
    """The lines of the README's transcript, without its indent."""
    told = (ROOT / "README.md").read_text().split("## What it looks like", 1)[1].split("\n## ", 1)[0]
    return [line[4:] for line in told.splitlines() if line.startswith("    ")]


def without_times(line):
    return re.sub(r"\b[0-9.]+(ms|s)\b", "TIME", line)


def test_the_demo_repairs_its_repository_as_the_readme_shows_it():
    done = subprocess.run([ROOT / "demo/run"], env=dict(os.environ, LATHE_BIN_DIR=str(BIN)), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    printed = iter([without_times(line) for line in done.stdout.splitlines()])
    for line in shown_by_the_readme():  # in its order; "[...]" stands where a line is shortened
        begin = without_times(line.split("[...]")[0].rstrip())
        assert any(one.startswith(begin) if "[...]" in line else one == begin for one in printed), (line, done.stdout)
