"""What every check of this folder looks at: the sources of the tree, read once."""
import dataclasses
import functools
import pathlib
import re
import subprocess


@dataclasses.dataclass(frozen=True)
class Finding:
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


class Tree:
    """The files below `root` that git knows or would add. Tests of the checks pass their own files instead."""

    def __init__(self, root, files=None):
        self.root = pathlib.Path(root)
        self._files = files

    @functools.cached_property
    def files(self):
        """Path relative to the root -> text, for every text file."""
        if self._files is not None:
            return dict(self._files)
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=self.root,
                                check=True, capture_output=True).stdout.decode().split("\0")
        texts = {}
        for name in sorted(set(listed)):
            path = self.root / name
            if not name or path.is_symlink() or not path.is_file():
                continue
            try:
                texts[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                pass
        return texts

    def cpp(self, *folders):
        """(path, text) of the C++ files below these folders."""
        for path, text in self.files.items():
            if path.startswith(folders) and path.endswith((".h", ".cc")):
                yield path, text

    def data(self, name):
        """Lines of a table beside this file, without comments."""
        text = (pathlib.Path(__file__).parent / name).read_text()
        return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def without_comments(text):
    """C++ text with comments and string contents blanked, line numbers kept. Raw strings end where they say."""
    out = []
    i, n = 0, len(text)
    while i < n:
        c = text[i]
        if text.startswith("//", i):
            end = text.find("\n", i)
            i = n if end < 0 else end
        elif text.startswith("/*", i):
            end = text.find("*/", i)
            end = n if end < 0 else end + 2
            out.append("\n" * text.count("\n", i, end))
            i = end
        elif text.startswith('R"', i) and (i == 0 or not (text[i - 1].isalnum() or text[i - 1] == "_")):
            opening = text.find("(", i)
            closing = ")" + text[i + 2:opening] + '"'
            end = text.find(closing, opening)
            end = n if end < 0 else end + len(closing)
            out.append('""' + "\n" * text.count("\n", i, end))
            i = end
        elif c == '"' or (c == "'" and not (i and text[i - 1].isalnum())):
            end = i + 1
            while end < n and text[end] != c and text[end] != "\n":
                end += 2 if text[end] == "\\" else 1
            # What an #include names is no string to blank.
            line_start = text.rfind("\n", 0, i) + 1
            out.append(text[i:end + 1] if text[line_start:i].lstrip().startswith("#include") else c + c)
            i = end + 1
        else:
            out.append(c)
            i += 1
    return "".join(out)


def is_test_code(path):
    """A test, or what only tests include."""
    return re.search(r"(?:^|/|_)(?:test|fixture|rig|fake)[\w]*\.(?:h|cc)$", path) is not None


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
