"""A data root, a working folder or a prompt that cannot be used is named, with what to do, and nothing is lost."""
import subprocess

import pytest

from support import Ran, calls, says, shell, tool

IN_A_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 99; shift; exec "$@"'


@pytest.fixture
def talked(lathe, start_server):
    server = start_server({"text": "Hello.", "repeat": -1})
    lathe.use(server)
    return server, lathe.ok("exec", "--json", "go").session


def elsewhere(lathe, script, *words):
    """Runs `lathe words` below a shell script in mount and user namespaces of its own."""
    ran = subprocess.run([*IN_A_NAMESPACE, script, "sh", *words], capture_output=True, text=True, cwd=lathe.cwd,
                         env=lathe.environment(), stdin=subprocess.DEVNULL)
    assert ran.returncode != 99, ran
    return Ran(list(map(str, words)), ran.returncode, ran.stdout, ran.stderr)


def test_a_read_only_data_root_is_named_and_still_read(lathe, talked):
    server, session = talked
    asked = len(server.requests())

    def read_only(*words):
        return elsewhere(lathe, READ_ONLY, lathe.home, lathe.program, *words)

    for words in (["exec", "go"], ["exec", "--resume", session, "go"], ["session", "fork", session],
                  ["session", "rollback", session, "--tasks", "1"], ["session", "rm", session]):
        ran = read_only(*words)
        assert ran.code not in (0, 134, 139), str(ran)
        assert "read-only" in ran.err.lower() and str(lathe.home) in ran.err, str(ran)
    ran = read_only("config", "set", "default-model", "x")
    assert ran.code != 0 and "read-only" in ran.err.lower() and "config.yaml" in ran.err
    assert len(server.requests()) == asked
    ran = read_only("session", "list", "--json")
    assert ran.code == 0 and session in ran.out, str(ran)
    ran = read_only("session", "show", session)
    assert ran.code == 0 and "Hello." in ran.out, str(ran)
    ran = read_only("session", "export", session)
    assert ran.code == 0 and ran.out == lathe.ok("session", "export", session).out
    ran = read_only("doctor")
    assert ran.code == 1 and "export LATHE_HOME=" in ran.out and "read-only" in ran.out.lower(), str(ran)


def test_a_read_only_working_folder_is_told_to_the_model(lathe, start_server):
    lathe.use(start_server(calls(tool("write_file", path="new.txt", content="x")), says("It is read-only.")))
    ran = elsewhere(lathe, READ_ONLY, lathe.cwd, lathe.program, "exec", "--json", "go")
    assert ran.code == 0, str(ran)
    (end,) = ran.of_type("patch_apply_end", "tool_call_end")
    assert end["outcome"]["status"] == "failed" and "read-only" in end["outcome"]["output"].lower()


# What is refused, what the message names, and what to do about that very thing.
CHECK = "check how the path is written; it begins in "
REFUSED = [
    ("exec --cwd nowhere go", "--cwd nowhere", CHECK),
    ("exec --cwd greeting.txt go", "--cwd greeting.txt is not a folder", "name a folder"),
    ("exec --image nowhere.png go", "--image nowhere.png", CHECK),
    ("exec --image . go", "--image . is a folder", "name a file"),
    ("exec --image greeting.txt go", "greeting.txt is not an image", "png, jpeg"),
    ("exec --output-schema nowhere.json go", "--output-schema nowhere.json", CHECK),
    ("exec --output-schema . go", "--output-schema . is a folder", "name a file"),
    ("exec --output-schema greeting.txt go", "--output-schema greeting.txt: not JSON", "it holds a JSON Schema"),
    ("exec --output-schema banana.json go", '/properties/a/type: "banana" is no type', "mend the schema"),
    ("exec --policy nowhere.yaml go", "--policy nowhere.yaml", CHECK),
    ("exec --policy . go", "--policy . is a folder", "name a file"),
    ("exec --policy greeting.txt go", "greeting.txt:1:1:", "mend it: ${EDITOR:-vi} "),
    ("exec --policy strct go", 'no policy preset "strct"', 'did you mean "strict"?'),
    ("exec --replay nowhere.cassette go", "--replay nowhere.cassette", CHECK),
    ("exec --replay . go", "--replay . is a folder", "name a file"),
    ("exec --replay greeting.txt go", "greeting.txt is no recording", "--record FILE"),
    ("exec --record nowhere/tape go", "there is no folder nowhere", "mkdir -p nowhere"),
    ("exec --record . go", "--record . is a folder", "name a file"),
    ("exec --json=xx go", 'lathe: --json: "xx" is not one of frames, codex', "lathe exec --help"),
    ("exec --last --fork --model mokc/x go", 'no backend "mokc"', 'did you mean "mock"?'),
    ("exec --last --fork --image greeting.txt go", "greeting.txt is not an image", "png, jpeg"),
    ("session resume last", "the prompt is empty", 'lathe exec --last "…"'),
    ("policy test nowhere.yaml", "rule file nowhere.yaml", CHECK),
    ("policy test .", "rule file . is a folder", "name a file"),
    ("trust list", "trust list", CHECK),
]


@pytest.mark.parametrize("line,named,step", REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_refused_is_named_with_its_own_next_step_and_leaves_nothing(lathe, talked, line, named, step):
    server, session = talked
    asked = len(server.requests())
    (lathe.cwd / "banana.json").write_text('{"type": "object", "properties": {"a": {"type": "banana"}}}')
    ran = lathe.fails(1, *line.split())
    assert named in ran.err and step in ran.err, str(ran)
    for of_something_else in ("session list", "backend list", "index rebuild", "lathe doctor", "lathe --help"):
        assert of_something_else not in ran.err, str(ran)
    assert len(server.requests()) == asked
    # Nor does --last mean a session in which nothing was done.
    assert [kept["session_id"] for kept in lathe.ok("session", "list", "--json").document["sessions"]] == [session]


@pytest.mark.parametrize("typed", ["", "x" * (1 << 20) + "y\n"], ids=["nothing", "too long"])
def test_a_chat_in_which_nothing_was_said_leaves_nothing(lathe, talked, typed):
    _, session = talked
    ran = lathe.ok("chat", input=typed)
    assert "go on later" not in ran.err
    assert [kept["session_id"] for kept in lathe.ok("session", "list", "--json").document["sessions"]] == [session]
    assert lathe.ok("exec", "--json", "--last", "go on").session == session


def test_a_data_root_that_is_a_file_names_the_variable(lathe):
    for beside in ({}, {"CI": None, "LATHE_DAEMON_AUTO_START": None}):  # also where a daemon would be looked for
        ran = lathe.fails(1, "session", "list", env={"LATHE_HOME": str(lathe.cwd / "greeting.txt"), **beside})
        assert "greeting.txt" in ran.err and "export LATHE_HOME=" in ran.err


def test_a_price_that_is_not_known_names_the_file_for_it(lathe, talked):
    ran = lathe.fails(1, "exec", "--max-usd", "1", "go")
    assert "mock/mock" in ran.err and "models.yaml" in ran.err and "lathe config path" in ran.err and 'under "mock/mock"' in ran.err


NO_TEXT = b"caf\xe9".decode(errors="surrogateescape")


def test_words_that_are_no_utf8_are_refused_before_they_become_others(lathe, talked):
    server, _ = talked
    asked = len(server.requests())
    (lathe.cwd / NO_TEXT).mkdir()
    for words in (["exec", "--model", NO_TEXT, "go"], ["exec", "--fallback", NO_TEXT, "go"], ["exec", "--cwd", NO_TEXT, "go"],
                  ["approvals", "answer", "id", "--deny", "--note", NO_TEXT], ["session", "search", NO_TEXT]):
        assert "UTF-8" in lathe.fails(1, *words).err
    assert "UTF-8" in lathe.fails(1, "exec", "go", cwd=lathe.cwd / NO_TEXT).err
    assert len(server.requests()) == asked


def without_rights(*words):
    """As a user who may not read everything: root of the tests gives up the right to."""
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search", *words]


def test_a_folder_that_may_not_be_read_is_named(lathe, talked, tmp_path):
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0)
    try:
        for folder in (closed, closed / "inner"):
            ran = subprocess.run(without_rights(lathe.program, "exec", "--cwd", folder, "go"), capture_output=True, text=True,
                                 env=lathe.environment(), cwd=lathe.cwd, stdin=subprocess.DEVNULL)
            assert ran.returncode == 1, ran
            assert str(folder) in ran.stderr and "denied" in ran.stderr.lower() and f"ls -ld {folder}" in ran.stderr, ran
    finally:
        closed.chmod(0o700)


def test_a_working_folder_that_is_gone_is_named(lathe, talked, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    ran = subprocess.run(["sh", "-c", f'rmdir "{gone}"; exec "{lathe.program}" exec go'], cwd=gone, capture_output=True, text=True,
                         env=lathe.environment(), stdin=subprocess.DEVNULL)
    assert ran.returncode == 1 and str(gone) in ran.stderr and "--cwd" in ran.stderr, ran


def test_a_session_whose_folder_is_gone_says_so_and_goes_on_elsewhere(lathe, talked, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    session = lathe.ok("exec", "--json", "--cwd", str(place), "go").session
    place.rmdir()
    server, _ = talked
    asked = len(server.requests())
    for words in (["exec", "--resume", session, "go on"], ["session", "resume", session, "go on"], ["chat", "--resume", session]):
        ran = lathe.fails(1, *words)
        assert session in ran.err and f"{place}: No such file" in ran.err and "--cwd FOLDER" in ran.err, str(ran)
    assert len(server.requests()) == asked
    assert "Hello." in lathe.ok("session", "show", session).out
    assert lathe.ok("exec", "--resume", session, "--cwd", str(lathe.cwd), "go on").out == "Hello.\n"


def test_a_prompt_of_a_mebibyte_is_taken_and_a_longer_one_refused(lathe, talked):
    server, _ = talked
    asked = len(server.requests())
    ran = lathe.ok("exec", input="x" * (1 << 20))
    assert ran.out == "Hello.\n"
    ran = lathe.fails(1, "exec", input="x" * ((1 << 20) + 1))
    assert "1.0 MiB" in ran.err or "1 MiB" in ran.err
    assert "file" in ran.err  # what to do instead
    ran = lathe.fails(1, "exec", "-", "look", input="x" * (1 << 20))
    assert "MiB" in ran.err
    assert len(server.requests()) == asked + 1


@pytest.mark.parametrize("prompt", ["", "  \n\t "])
def test_an_empty_prompt_is_refused(lathe, talked, prompt):
    server, _ = talked
    asked = len(server.requests())
    assert "prompt" in lathe.fails(1, "exec", input=prompt).err
    assert "prompt" in lathe.fails(1, "exec", prompt).err
    assert len(server.requests()) == asked


def test_a_home_that_is_not_set_is_told(lathe):
    ran = lathe.fails(1, "session", "list", env={"HOME": None, "LATHE_HOME": None, "XDG_CONFIG_HOME": None})
    assert "HOME" in ran.err and "LATHE_HOME" in ran.err


@pytest.mark.parametrize("size", ["1m", "300k"])
def test_a_disk_that_fills_while_a_task_runs(lathe, start_server, size, tmp_path):
    """The data root is on a small disk and the answer is large: the task ends with the reason, what fitted is kept."""
    lathe.use(start_server({"text": [{"text": "many words " * 100, "times": 1500}], "repeat": -1}))
    small = tmp_path / "small"
    small.mkdir()
    script = ('mount -t tmpfs -o size=' + size + ' tmpfs "$2" && cp -a "$1/." "$2" || exit 99; export LATHE_HOME="$2"; '
              'L="$3"; "$L" exec go >/dev/null; echo "code $?"; "$L" session list --json; echo "code $?"')
    ran = subprocess.run([*IN_A_NAMESPACE, script, "sh", lathe.home, small, lathe.program], capture_output=True, text=True,
                         cwd=lathe.cwd, env=lathe.environment(), stdin=subprocess.DEVNULL)
    assert "code 5" in ran.stdout and ran.stdout.rstrip().endswith("code 0"), ran
    assert "space" in ran.stderr.lower(), ran


# The daemon lives in the namespaces, so all that is asked of it is asked there.
A_DAEMON_WHOSE_DISK_FILLS = """
mount -t tmpfs -o size=4m tmpfs "$2" && cp -a "$1/." "$2" || exit 99
export LATHE_HOME="$2"; L="$3"
"$L" daemon start || exit 98
dd if=/dev/zero of="$2/filler" bs=1k count=2560 2>/dev/null
say() { echo "$1 $2"; }
"$L" exec go >/dev/null; say full $?
"$L" session list --json; say list $?
"$L" daemon status --json; say status $?
"$L" doctor | grep "disk:"
rm "$2/filler"
"$L" exec "once more"; say again $?
"$L" daemon stop; say stop $?
"""


def test_a_disk_that_fills_under_the_daemon_costs_the_task_that_filled_it(lathe, start_server, tmp_path):
    lathe.use(start_server({"text": [{"text": "many words " * 100, "times": 1500}]}, {"text": "Short.", "repeat": -1}))
    lathe.variables["CI"] = None
    small = tmp_path / "small"
    small.mkdir()
    ran = subprocess.run([*IN_A_NAMESPACE, A_DAEMON_WHOSE_DISK_FILLS, "sh", lathe.home, small, lathe.program], capture_output=True,
                         text=True, cwd=lathe.cwd, env=lathe.environment(), stdin=subprocess.DEVNULL)
    assert "full 5" in ran.stdout and "space" in ran.stderr.lower(), ran
    assert "list 0" in ran.stdout and "status 0" in ran.stdout, ran.stderr + ran.stdout
    assert '"state":"' in ran.stdout.replace(" ", "") and '"state":"running"' not in ran.stdout.replace(" ", ""), ran.stdout
    assert "Short.\nagain 0" in ran.stdout and "stop 0" in ran.stdout, ran


@pytest.mark.parametrize("below", ["", "policies"])
def test_no_session_works_among_lathes_own_files(lathe, start_server, below):
    lathe.use(start_server(says("never asked")))
    (lathe.home / "policies").mkdir(parents=True, exist_ok=True)
    ran = lathe.fails(1, "exec", "--cwd", str(lathe.home / below), "go")
    assert "where Lathe keeps its own files" in ran.err and "work in another folder" in ran.err, str(ran)


RULES = "rules: [{tool: apply_patch, decision: allow}]"


@pytest.mark.parametrize("places", ["a folder of its own", "the usual ones"])
@pytest.mark.parametrize("by", ["a command", "a tool"])
def test_a_session_that_works_around_lathes_files_writes_no_rules(lathe, start_server, places, by):
    """Neither where they are now, nor where they would be looked for."""
    person = lathe.home.parent
    kept = lathe.home if places == "a folder of its own" else person / ".config/lathe"
    path = kept / "policies/mine.yaml"
    command = shell(f"mkdir -p {path.parent}; echo '{RULES}' > {path}")
    server = start_server(calls(command if by == "a command" else tool("write_file", path=str(path), content=RULES)), says("tried"))
    lathe.use(server)
    if kept != lathe.home:
        lathe.variables |= {"LATHE_HOME": None, "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": f"{server.url}/v1", "MOCK_KEY": None}
    lathe.run("exec", "--model", "mock", "--ask", "deny", "go", cwd=person)
    assert server.requests() and not path.exists(), path
