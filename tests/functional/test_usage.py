"""`lathe usage`: by whom, since when, and what is not known."""
import datetime

from support import says


def rows(lathe, *words):
    return lathe.ok("usage", "--json", *words).document["rows"]


def test_a_project_is_the_repository_of_its_folders(lathe, start_server, repository):
    lathe.use(start_server(says("One.", usage={"input": 10, "output": 1}), says("Two.", usage={"input": 20, "output": 2})))
    (repository / "deep").mkdir()
    lathe.ok("exec", "first")
    lathe.ok("exec", "second", cwd=repository / "deep")
    assert {row["key"] for row in rows(lathe, "--by", "folder")} == {str(repository), str(repository / "deep")}
    (project,) = rows(lathe, "--by", "project")
    assert project["key"] == str(repository) and project["tasks"] == 2
    assert project["usage"]["input_tokens"] == 30 and project["usage"]["output_tokens"] == 3
    assert len(rows(lathe, "--by", "session")) == 2


def test_only_what_was_used_since_a_day(lathe, start_server):
    lathe.use(start_server(says("One.")))
    lathe.ok("exec", "go")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    assert len(rows(lathe, "--since", "2d")) == 1
    assert len(rows(lathe, "--since", str(today - datetime.timedelta(days=1)))) == 1
    assert rows(lathe, "--since", str(today + datetime.timedelta(days=2))) == []
    for wrong in ("yesterday", "2026-02-30", "0d", "2026-11"):
        assert "neither a day" in lathe.fails(1, "usage", "--since", wrong).err
