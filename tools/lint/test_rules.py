"""Each rule finds its planted offence, and leaves the innocent neighbour alone."""
import pathlib
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import room_rules  # noqa: E402
import text_rules  # noqa: E402
from tree import Tree, without_comments  # noqa: E402


def messages(check, files):
    """What a check finds in files given as path -> text."""
    return [str(finding) for finding in check(Tree("/", files))]


def code(line):
    return {"src/engine/x.h": f"#pragma once\n{line}\n"}


@pytest.mark.parametrize("offence", [
    "std::this_thread::sleep_for(1s);",
    "::usleep(10);",
    "using namespace std;",
    "std::cout << 1;",
    "std::thread t(f);",
    "t.detach();",
    "auto r = system(command);",
    "auto f = [this](int n) -> Async<void> { co_return; };",
    "auto f = [&x]() mutable -> runtime::Async<int> { co_return x; };",
])
def test_banned_code_is_found(offence):
    assert len(messages(text_rules.check_code, files=code(offence))) == 1


@pytest.mark.parametrize("innocent", [
    "co_await loop.sleep_for(1s);",
    "// using namespace std is banned",
    'const char* text = "std::cout";',
    "auto f = [](int n) -> Async<void> { co_return; };",
    "Async<void> run(Scope scope);",
    "std::this_thread::get_id();",
])
def test_innocent_code_passes(innocent):
    assert messages(text_rules.check_code, files=code(innocent)) == []


def test_a_header_without_pragma_once_is_found():
    assert messages(text_rules.check_code, files={"src/engine/x.h": "int x;\n"})


def test_long_files_are_found():
    assert messages(text_rules.check_sizes, files={"src/a/x.cc": "\n" * 501})
    assert not messages(text_rules.check_sizes, files={"src/a/x.cc": "\n" * 500})


@pytest.mark.parametrize("offence", [
    "TO" + "DO: later",
    "see /home/" + "someone/file",
    "https://registry.npmjs" + ".org/x",
    "key sk-" + "a" * 24,
    "<<<<<<< " + "HEAD",
])
def test_leftovers_are_found(offence):
    assert len(messages(text_rules.check_leftovers, files={"docs/x.md": offence + "\n"})) == 1


def test_vendor_words_stay_in_their_folder():
    assert messages(text_rules.check_vendor_words, files=code('auto k = "cache_control";'))
    own = {"src/providers/anthropic/x.cc": 'auto k = "cache_control";'}
    assert not messages(text_rules.check_vendor_words, files=own)
    shared = {"src/providers/common/x.cc": 'auto k = "cache_control";'}
    assert messages(text_rules.check_vendor_words, files=shared)


def room(path, words):
    return {f"src/{path}/CMakeLists.txt": f"add_room({path} {words})", f"src/{path}/README.md": "A room."}


def test_a_forbidden_dep_is_found():
    assert messages(room_rules.check_walls, files=room("base", "SOURCES x.cc DEPS protocol"))
    assert messages(room_rules.check_walls, files=room("agent", "SOURCES x.cc DEPS base journal"))
    assert messages(room_rules.check_walls, files=room("cli", "SOURCES x.cc DEPS engine"))
    assert not messages(room_rules.check_walls, files=room("agent", "SOURCES x.cc DEPS base ports"))


def test_an_unknown_room_is_found():
    assert messages(room_rules.check_walls, files=room("attic", "SOURCES x.cc"))


def test_a_room_needs_a_readme_and_lists_its_sources():
    files = room("agent", "SOURCES listed.cc") | {"src/agent/listed.cc": "", "src/agent/orphan.cc": ""}
    assert [m.split(":")[0] for m in messages(room_rules.check_room_shape, files=files)] == ["src/agent/orphan.cc"]
    del files["src/agent/README.md"]
    assert len(messages(room_rules.check_room_shape, files=files)) == 2


@pytest.mark.parametrize("header", ["sqlite3.h", "boost/asio/ip/tcp.hpp", "curl/curl.h", "openssl/evp.h", "CLI/CLI.hpp"])
def test_third_party_headers_are_confined(header):
    files = room("agent", "SOURCES x.cc") | {"src/agent/x.cc": f"#include <{header}>\n"}
    assert len(messages(room_rules.check_third_party, files=files)) == 1


def test_third_party_headers_are_fine_at_home():
    files = room("storage", "SOURCES x.cc") | {"src/storage/x.cc": "#include <sqlite3.h>\n"}
    assert not messages(room_rules.check_third_party, files=files)


def test_relative_includes_are_found():
    assert messages(room_rules.check_own_includes, files={"src/a/x.cc": '#include "../b/y.h"\n'})
    assert messages(room_rules.check_own_includes, files={"src/a/x.cc": '#include "y.h"\n', "src/a/y.h": ""})


@pytest.mark.parametrize("use", ['Pool fs(loop, "ghost", 4);', 'fs_ = std::make_unique<runtime::Pool>(loop, "ghost", 2);',
                                 'name_this_thread("ghost");', 'pool_{runtime::Pool(loop_, "ghost", 1)}'])
def test_undocumented_threads_are_found(use):
    files = {"src/engine/x.cc": use, "docs/THREADS.md": "| `lathe` | the loop |"}
    assert len(messages(room_rules.check_threads, files=files)) == 1
    files["docs/THREADS.md"] += "\n| `ghost` | haunts |"
    assert not messages(room_rules.check_threads, files=files)


def test_a_foreign_namespace_is_found():
    files = room("agent", "SOURCES x.cc") | {"src/agent/x.cc": "namespace lathe::engine {\n"}
    assert messages(room_rules.check_namespaces, files=files)


def test_comments_and_strings_are_blanked_and_lines_kept():
    text = 'a(); // one\n/* two\n */ b("x\\"y"); R"(raw " text)" \'"\' c();'
    blanked = without_comments(text)
    assert blanked.count("\n") == text.count("\n")
    assert "one" not in blanked and "two" not in blanked and "raw" not in blanked
    assert "b(" in blanked and "c();" in blanked
