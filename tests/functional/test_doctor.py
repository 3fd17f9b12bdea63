"""`lathe doctor`: what it finds, the command that mends it, and that the command does."""
import json
import os
import subprocess

import pytest

from support import Terminal, calls, says, shell


def findings(ran):
    return {finding["what"]: finding for finding in ran.document["findings"]}


def broken(lathe, what, **how):
    ran = lathe.fails(1, "doctor", "--json", **how)
    finding = findings(ran)[what]
    assert finding["state"] == "broken" and finding["mend"], ran
    assert ran.document["broken"] >= 1
    told = lathe.fails(1, "doctor", **how).out
    assert f"mend it: {finding['mend']}" in told
    return finding


@pytest.fixture
def healthy(lathe, start_server):
    lathe.use(start_server({"text": "fine", "repeat": -1}, models=[{"id": "mock"}]))
    return lathe


def run_mend(lathe, finding, **env):
    ran = subprocess.run(["bash", "-c", finding["mend"]], cwd=lathe.cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                         env=lathe.environment(PATH=f"{os.path.dirname(lathe.program)}:{os.environ['PATH']}", **env))
    assert ran.returncode == 0, ran


def test_all_is_well(healthy):
    ran = healthy.ok("doctor", "--json")
    found = findings(ran)
    assert {"configuration", "data root", "bash", "git", "rg", "backend mock", "index", "sessions", "daemon", "daemon log", "disk"} <= set(found)
    # How strong the confinement is, is up to the machine.
    assert {name for name, finding in found.items() if finding["state"] != "ok"} <= {"confinement"}, found
    assert ran.document["broken"] == 0
    assert all(("mend" in finding) == (finding["state"] != "ok") for finding in found.values())


def test_no_backend(lathe):
    assert broken(lathe, "backends")["mend"] == "lathe setup"


def test_a_configuration_that_cannot_be_read_names_its_place(healthy):
    path = healthy.home / "config.yaml"
    whole = path.read_text()
    path.write_text(whole + "default-model: [unclosed\n")
    finding = broken(healthy, "configuration")
    assert f"config.yaml:{len(path.read_text().splitlines()) + 1}:" in finding["found"]
    editor = healthy.home / "editor"
    editor.write_text("#!/bin/sh\nsed -i /unclosed/d \"$1\"\n")
    editor.chmod(0o700)
    run_mend(healthy, finding, EDITOR=str(editor))
    healthy.ok("doctor")


def test_a_setting_that_does_not_exist_is_a_warning(healthy):
    path = healthy.home / "config.yaml"
    path.write_text(path.read_text() + "defalt-model: x\n")
    ran = healthy.ok("doctor", "--json")
    (warning,) = [finding for finding in ran.document["findings"]
                  if (finding["state"], finding["what"]) == ("warning", "configuration")]
    assert "default-model" in warning["found"] and str(path) in warning["mend"]


def test_a_data_root_that_cannot_be_used(healthy, tmp_path):
    (tmp_path / "file").write_text("no folder")
    finding = broken(healthy, "data root", env={"LATHE_HOME": str(tmp_path / "file" / "home")})
    assert str(tmp_path / "file") in finding["found"] and finding["mend"].startswith("export LATHE_HOME=")
    finding = broken(healthy, "configuration", env={"LATHE_HOME": "relative"})
    assert "relative" in finding["found"] and finding["mend"].startswith("export LATHE_HOME=")


def test_what_hangs_on_a_broken_place_is_said_not_to_be_checked(healthy, tmp_path):
    (tmp_path / "file").write_text("no folder")
    found = findings(healthy.fails(1, "doctor", "--json", env={"LATHE_HOME": str(tmp_path / "file" / "home")}))
    assert {"confinement", "bash", "not checked"} <= set(found)
    assert "backends" in found["not checked"]["found"] and "confinement" not in found["not checked"]["found"]
    (healthy.home / "config.yaml").write_text("default-model: [unclosed\n")
    found = findings(healthy.fails(1, "doctor", "--json"))
    assert "confinement" not in found and "confinement, backends" in found["not checked"]["found"]


def test_a_configuration_that_may_not_be_read_is_opened_by_its_owner_first(healthy):
    """In a user namespace of its own even root may not read what its mode forbids."""
    def doctor():
        ran = subprocess.run(["unshare", "--user", healthy.program, "doctor", "--json"], capture_output=True, text=True, cwd=healthy.cwd,
                             env=healthy.environment(), stdin=subprocess.DEVNULL)
        return {finding["what"]: finding for finding in json.loads(ran.stdout)["findings"]}["configuration"]

    path = healthy.home / "config.yaml"
    path.chmod(0)
    finding = doctor()
    assert finding["state"] == "broken" and finding["mend"] == f"chmod u+rw {path}", finding
    run_mend(healthy, finding)
    assert doctor()["state"] == "ok"


def test_a_disk_with_little_room_names_what_frees_some(healthy, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=8m tmpfs "$1" && cp -a "$2/." "$1" && LATHE_HOME="$1" exec "$3" doctor --json'
    ran = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", small, healthy.home, healthy.program],
                         capture_output=True, text=True, cwd=healthy.cwd, env=healthy.environment(), stdin=subprocess.DEVNULL)
    (disk,) = [finding for finding in json.loads(ran.stdout)["findings"] if finding["what"] == "disk"]
    assert disk["state"] == "broken" and disk["mend"].startswith("lathe session rm ID "), disk


def test_a_key_that_is_not_set(healthy):
    del healthy.variables["MOCK_KEY"]
    finding = broken(healthy, "backend mock")
    assert "set MOCK_KEY" in finding["found"]
    assert finding["mend"].startswith("export MOCK_KEY=")


def test_a_backend_that_does_not_answer(lathe):
    lathe.variables["MOCK_KEY"] = "x"
    lathe.ok("backend", "add", "mock", "--type", "openai", "--url", "http://127.0.0.1:9/v1", "--api-key-env", "MOCK_KEY", "--default")
    finding = broken(lathe, "backend mock")
    assert "127.0.0.1:9" in finding["found"]
    assert finding["mend"] == "lathe backend remove mock && lathe setup"


def test_a_default_that_names_nothing(healthy):
    path = healthy.home / "config.yaml"
    path.write_text(path.read_text().replace("default-backend: mock", "default-backend: mok"))
    finding = broken(healthy, "default backend")
    assert "mok" in finding["found"]
    assert finding["mend"] == "lathe config set default-backend mock"
    run_mend(healthy, finding)
    healthy.ok("doctor")


def test_a_second_backend_that_is_broken_is_a_warning(healthy):
    healthy.ok("backend", "add", "other", "--type", "openai-chat", "--url", "http://127.0.0.1:9/v1")
    found = findings(healthy.ok("doctor", "--json"))
    assert found["backend other"]["state"] == "warning" and found["backend other"]["mend"]


def test_programs_that_are_missing(healthy, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "bash").symlink_to("/bin/bash")
    found = findings(healthy.ok("doctor", "--json", env={"PATH": str(folder)}))
    for program, package in (("git", "git"), ("rg", "ripgrep")):
        assert found[program]["state"] == "warning"
        assert found[program]["mend"] == f"sudo apt install {package}"
    (folder / "bash").unlink()
    assert broken(healthy, "bash", env={"PATH": str(folder)})["mend"] == "sudo apt install bash"


def test_an_index_that_is_damaged_is_mended_by_its_command(healthy):
    healthy.ok("exec", "go")
    healthy.ok("session", "list")
    (database,) = healthy.home.rglob("index.db")
    database.write_bytes(b"this is no database" * 400)
    for extra in database.parent.glob("index.db-*"):
        extra.unlink()
    ran = healthy.run("doctor", "--json")
    finding = findings(ran)["index"]
    if finding["state"] == "broken":
        assert finding["mend"] == "lathe index rebuild"
        run_mend(healthy, finding)
    assert findings(healthy.ok("doctor", "--json"))["index"]["state"] == "ok"
    assert len(healthy.ok("session", "list", "--json").document["sessions"]) == 1


def test_a_folder_in_the_place_of_the_index_is_moved_aside(healthy):
    session = healthy.ok("exec", "--json", "go").session
    healthy.ok("session", "list")
    (database,) = healthy.home.rglob("index.db")
    for path in database.parent.glob("index.db*"):
        path.unlink()
    (database / "inner").mkdir(parents=True)
    ran = healthy.ok("index", "rebuild")
    assert "index.db.aside" in ran.err and (database.parent / "index.db.aside" / "inner").is_dir()
    assert session in healthy.ok("session", "list", "--json").out
    assert findings(healthy.ok("doctor", "--json"))["index"]["state"] == "ok"


@pytest.mark.parametrize("name,text", [("models.yaml", "models: [unclosed\n"), ("policies/strict.yaml", "rules: [unclosed\n")])
def test_a_file_beside_the_configuration_that_cannot_be_read(healthy, name, text):
    path = healthy.home / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    finding = broken(healthy, "engine")
    assert str(path) in finding["found"] and finding["mend"].endswith(str(path))
    editor = healthy.home / "editor"
    editor.write_text("#!/bin/sh\nrm \"$1\"\n")
    editor.chmod(0o700)
    run_mend(healthy, finding, EDITOR=str(editor))
    assert "engine" not in findings(healthy.run("doctor", "--json"))


@pytest.mark.parametrize("name,text", [("config.yaml", "budget: [unclosed\n"), ("models.yaml", "models: [unclosed\n"),
                                       ("policies/strict.yaml", "rules: [unclosed\n")])
def test_a_daemon_that_holds_to_what_was_set_before_is_told(healthy, daemon, name, text):
    daemon()
    assert findings(healthy.ok("doctor", "--json"))["daemon settings"]["state"] == "ok"
    path = healthy.home / name
    path.parent.mkdir(exist_ok=True)
    before = path.read_text() if path.exists() else None
    path.write_text((before or "") + text)
    finding = broken(healthy, "daemon settings")
    assert str(path) in finding["found"] and "what was set before holds" in finding["found"] and finding["mend"].endswith(str(path))
    path.unlink() if before is None else path.write_text(before)
    assert findings(healthy.ok("doctor", "--json"))["daemon settings"]["state"] == "ok"


def test_metrics_of_a_daemon_that_takes_clients_over_tcp(healthy, listen):
    host, port = listen()
    found = findings(healthy.ok("doctor", "--json"))["metrics"]
    assert found["state"] == "ok" and f"http://{host}:{port}/metrics" in found["found"]


def test_a_session_with_one_changed_byte_is_found(healthy):
    whole = healthy.ok("exec", "--json", "go").session
    session = healthy.ok("exec", "--json", "one").session
    healthy.ok("exec", "--last", "two")
    assert findings(healthy.ok("doctor", "--json"))["sessions"]["found"] == "2 whole"
    (stream,) = healthy.home.rglob(f"{session}/journal.ndjson")
    text = stream.read_bytes()
    stream.write_bytes(text.replace(b'"two"', b'"tow"'))
    finding = broken(healthy, f"session {session}")
    assert str(stream) in finding["found"] and "at byte" in finding["found"]
    assert finding["mend"].startswith(f"lathe session fork {session} --at ")
    run_mend(healthy, finding)
    found = findings(healthy.ok("doctor", "--deep", "--json"))["sessions"]["found"]
    assert found.startswith("2 whole") and f"{session} is damaged and archived" in found
    assert stream.read_bytes() == text.replace(b'"two"', b'"tow"')

    (stream,) = healthy.home.rglob(f"{whole}/journal.ndjson")
    stream.write_bytes(b"")
    finding = broken(healthy, f"session {whole}")
    assert finding["mend"] == f"lathe session archive {whole}" and "backup" in finding["found"]
    run_mend(healthy, finding)
    healthy.ok("doctor")


def test_an_output_that_is_gone_is_told(lathe, start_server):
    lathe.use(start_server(calls(shell("seq 100000")), says("fine"), models=[{"id": "mock"}]))
    ran = lathe.ok("exec", "--json", "go")
    (end,) = ran.of_type("exec_command_end")
    hash = end["outcome"]["output_blob"]
    lathe.ok("doctor")
    (blob,) = [path for path in lathe.home.rglob("*") if path.is_file() and hash in str(path).replace("/", "")]
    blob.unlink()
    finding = broken(lathe, f"session {ran.session}")
    assert hash in finding["found"] and "backup" in finding["found"]
    run_mend(lathe, finding)
    lathe.ok("doctor")


def test_a_damaged_session_is_named(healthy):
    session = healthy.ok("exec", "--json", "go").session
    (stream,) = [path for path in healthy.home.rglob("journal.ndjson") if session in str(path)]
    lines = stream.read_bytes().splitlines(keepends=True)
    stream.write_bytes(lines[0] + b'{"damaged":\n' + b"".join(lines[2:]))
    ran = healthy.run("session", "show", session)
    assert ran.code == 5 and "journal.ndjson" in ran.err and "backup" in ran.err, str(ran)


def test_what_the_machine_lacks_for_confinement(healthy):
    """The level is told and proven; where bubblewrap is missing that is what mends it."""
    best = healthy.ok("sandbox", "test", "--json").document["level"]
    finding = findings(healthy.ok("doctor", "--json"))["confinement"]
    assert best in finding["found"] and (finding["state"] == "ok") == (best == "full")


def test_a_poor_terminal_is_told(healthy):
    terminal = Terminal(healthy, "doctor", TERM="dumb")
    assert terminal.wait() == 0
    assert "export TERM=xterm-256color" in terminal.text
    terminal = Terminal(healthy, "doctor")
    assert terminal.wait() == 0
    assert "\x1b[32m" in terminal.screen and "xterm-256color" in terminal.text
