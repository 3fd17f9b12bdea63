"""Rules about rooms: the walls of rooms.txt, the confinement of third_party.txt, a README each, a line per thread."""
import fnmatch
import re

from tree import Finding, is_test_code, line_of, without_comments

ROOM_ROOTS = ("src/", "testing/")
# Rooms that only tests link, so that TEST_DEPS may name them.
TEST_ROOMS = {"testing/model_server", "testing/fakes", "fakes"}


def read_table(lines, separator):
    table = []
    for line in lines:
        key, _, rest = line.partition(separator)
        table.append((key.strip(), rest.split()))
    return table


def walls(tree):
    return read_table(tree.data("rooms.txt"), ":")


def allowed_deps(table, room):
    """The rooms that `room` may include, as patterns; None for an unknown room. The first line that fits counts."""
    for pattern, deps in table:
        if fnmatch.fnmatchcase(room, pattern):
            return deps
    return None


def rooms_of(tree):
    """(room, path of its CMakeLists.txt, its add_room arguments, line)."""
    for path, text in tree.files.items():
        if not path.startswith(ROOM_ROOTS) or not path.endswith("/CMakeLists.txt"):
            continue
        text = re.sub(r"#[^\n]*", "", text)
        for match in re.finditer(r"\badd_room\s*\(\s*([^\s)]+)([^)]*)\)", text):
            yield match.group(1), path, match.group(2).split(), line_of(text, match.start())


KEYWORDS = {"SOURCES", "TESTS", "DEPS", "TEST_DEPS", "LIBS"}


def arguments_of(words):
    """add_room's words by keyword."""
    parts = {keyword: [] for keyword in KEYWORDS}
    current = None
    for word in words:
        if word in KEYWORDS:
            current = word
        elif current:
            parts[current].append(word)
    return parts


def check_walls(tree):
    table = walls(tree)
    order = [pattern for pattern, _ in table]
    for room, path, words, line in rooms_of(tree):
        allowed = allowed_deps(table, room)
        if allowed is None:
            yield Finding(path, line, f"room {room} has no line in tools/lint/rooms.txt")
            continue
        parts = arguments_of(words)
        for dep in parts["DEPS"]:
            if "*" not in allowed and not any(fnmatch.fnmatchcase(dep, pattern) for pattern in allowed):
                yield Finding(path, line, f"room {room} may not include {dep}; it may: {' '.join(allowed) or 'nothing'}")
        for dep in parts["TEST_DEPS"]:
            if dep not in TEST_ROOMS and allowed_deps(table, dep) is None:
                yield Finding(path, line, f"TEST_DEPS of {room} name {dep}, which has no line in tools/lint/rooms.txt")
    assert order, "rooms.txt is empty"


def check_room_shape(tree):
    for room, path, words, line in rooms_of(tree):
        folder = path.rsplit("/", 1)[0]
        if f"{folder}/README.md" not in tree.files:
            yield Finding(path, line, f"room {room} has no README.md")
        parts = arguments_of(words)
        listed = set(parts["SOURCES"]) | set(parts["TESTS"])
        for file in tree.files:
            name = file[len(folder) + 1:]
            if file.startswith(folder + "/") and "/" not in name and name.endswith(".cc") and name not in listed:
                if not re.search(rf"\b{re.escape(name)}\b", tree.files[path]):
                    yield Finding(file, 1, f"not listed in {path}: nothing builds it")


def room_of_file(path, table):
    """The deepest room of rooms.txt that the file lies in; rooms below testing/ carry that folder in their name."""
    for root in ("src/", ""):
        if path.startswith(root):
            parts = path[len(root):].split("/")[:-1]
            for length in range(len(parts), 0, -1):
                if allowed_deps(table, "/".join(parts[:length])) is not None:
                    return "/".join(parts[:length])
    return None


def check_third_party(tree):
    table = [(line.split()[0], line.split()[1:]) for line in tree.data("third_party.txt")]
    rooms = walls(tree)
    for path, text in tree.cpp("src/", "testing/"):
        room = room_of_file(path, rooms)
        for match in re.finditer(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text, re.MULTILINE):
            for pattern, homes in table:
                if fnmatch.fnmatchcase(match.group(1), pattern):
                    if room not in homes:
                        yield Finding(path, line_of(text, match.start()),
                                      f"<{match.group(1)}> is confined to {', '.join(homes)}")
                    break


def check_own_includes(tree):
    """Own headers are included by their room's path, and parts of a room do not reach around the wall with `..`."""
    for path, text in tree.cpp("src/", "testing/"):
        for match in re.finditer(r'^\s*#\s*include\s*"([^"]+)"', text, re.MULTILINE):
            generated = "/" not in match.group(1) and f"{path.rsplit('/', 1)[0]}/{match.group(1)}" not in tree.files
            if ".." in match.group(1) or not (match.group(1).startswith("lathe/") or generated):
                yield Finding(path, line_of(text, match.start()), f'"{match.group(1)}": include "lathe/<room>/x.h"')


def check_threads(tree):
    """Every name given to a thread or a pool stands in docs/THREADS.md."""
    documented = set(re.findall(r"`([^`]+)`", tree.files.get("docs/THREADS.md", "")))
    given = r'(?:name_this_thread\s*\(|\w*[Pp]ool\w*(?:>\s*)?\s*(?:\w+\s*)?[({][^;"()]{0,40})"([^"]+)"'
    for path, text in tree.cpp("src/"):
        if is_test_code(path):
            continue
        for match in re.finditer(given, text):
            if match.group(1) not in documented:
                yield Finding(path, line_of(text, match.start()), f"thread `{match.group(1)}` has no line in docs/THREADS.md")


def check_namespaces(tree):
    """A file's namespace is its room's."""
    rooms = walls(tree)
    for path, text in tree.cpp("src/"):
        room = room_of_file(path, rooms)
        opened = re.findall(r"^namespace (lathe[\w:]*)", without_comments(text), re.MULTILINE)
        if room is None or not opened:
            continue
        own = "lathe::" + room.replace("/", "::")
        top = "lathe::" + room.split("/")[0]
        if not any(name == own or name.startswith(own + "::") or name == top for name in opened):
            yield Finding(path, 1, f"namespace {own} expected, found {', '.join(opened)}")


CHECKS = [check_walls, check_room_shape, check_third_party, check_own_includes, check_threads, check_namespaces]
