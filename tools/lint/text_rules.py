"""Rules about text: calls that are banned, sizes, leftovers, addresses."""
import re

from tree import Finding, is_test_code, line_of, without_comments

MAX_LINES = 500
# Longer, with the reason.
LONG_FILES = {
    "src/protocol/events.h": "every event, declared once",
    "src/protocol/calls.h": "every call with its reply, declared once",
}

# (pattern, where it counts, what to do instead)
BANNED_CODE = [
    (r"\bthis_thread::sleep_(?:for|until)\s*\(|\b(?:usleep|nanosleep)\s*\(", ("src/", "testing/", "tests/"),
     "no sleeping: wait for the event, or use a timer of the loop"),
    (r"\busing\s+namespace\b(?!\s+std::[\w:]*literals)", ("src/", "testing/"), "no `using namespace`"),
    (r"\bstd::(?:cout|cerr|clog)\b", ("src/",), "print through the front end, not through iostreams"),
    (r"\b(?:printf|puts)\s*\(", ("src/",), "print through the front end"),
    (r"\bsystem\s*\(|\bpopen\s*\(", ("src/", "testing/"), "run programs with runtime/subprocess.h"),
    (r"\bstd::thread\b|\bstd::jthread\b|\bpthread_create\b", ("src/",), "threads belong to runtime (Pool, Loop)"),
    (r"\.detach\s*\(\s*\)", ("src/", "testing/"), "no detached work: it belongs to a Scope"),
    (r"\b(?:strcpy|strcat|sprintf|gets|tmpnam|mktemp)\s*\(", ("src/", "testing/"), "unsafe C call"),
    # A lambda with captures that returns Async is a coroutine or hands out one that outlives it.
    (r"\[[^\[\]\n]*[^\[\]\s][^\[\]\n]*\]\s*\([^()]*\)\s*(?:mutable\s*)?->\s*(?:\w+::)*Async<", ("src/", "testing/", "tests/"),
     "a lambda with captures is never a coroutine; write a function that takes values"),
]
# Where a rule does not bind, with the reason.
EXEMPT = {
    ("src/runtime/", "std::thread"): "the room that owns threads",
    ("src/net/", "std::thread"): "the net thread",
    ("src/egress/", "std::thread"): "the proxy has a loop of its own, off the engine's",
    ("src/base/unified_diff_test.cc", "system"): "compares with diff(1); base has no subprocesses",
    ("src/storage/file_lock.cc", "sleep_for"): "the kernel has no timed wait for a lock of another process",
    ("src/keeper/program/", "nanosleep"): "a process of its own, without a loop",
    ("src/keeper/program/", "printf"): "a process of its own, without a front end",
    ("src/gateways/http/agentruntime_", "tool_use"): "agentruntime's word, too",
    ("src/gateways/http/agentruntime_", "tool_result"): "agentruntime's word, too",
}
BANNED_ANYWHERE = [
    (r"\b(?:TODO|FIXME|XXX|HACK)\b", "no leftovers: do it, or open an issue"),
    (r"(?<![\w/.$}])(?:/root/[\w.-]+|/(?:home|Users)/(?!a\b|b\b|x\b|ada\b)[\w.-]+)", "no absolute path of a machine"),
    (r"registry\.npmjs\.org|registry\.yarnpkg\.com|files\.pythonhosted\.org|pypi\.org/simple|deb\.debian\.org",
     "no address of a registry"),
    (r"^(?:<{7}|>{7}) ", "a merge conflict"),
    (r"sk-[A-Za-z0-9]{20,}|ghp_[A-Za-z0-9]{20,}", "looks like a secret"),
]
# Words of one vendor's wire, and the folder that they belong to.
VENDOR_WORDS = [
    (r"\banthropic-version\b|\bcache_control\b|\btool_use\b|\btool_result\b|\bmessage_start\b|\bcontent_block",
     "src/providers/anthropic/"),
    (r"\bprompt_cache_key\b|\bresponse\.output_|\bfunction_call_output\b|\bencrypted_content\b",
     "src/providers/openai_responses/"),
    (r"\bstream_options\b|\breasoning_content\b", "src/providers/openai_chat/"),
    (r"\bnum_ctx\b|\bkeep_alive\b|\bdone_reason\b|\beval_count\b", "src/providers/ollama/"),
]
TEXT_SUFFIXES = (".h", ".cc", ".py", ".md", ".txt", ".cmake", ".json", ".yaml", ".yml", ".sh", ".toml")


def is_exempt(path, line, matched):
    """`NOLINT` on the line, with its reason, is for the one place where a rule is wrong."""
    if "NOLINT" in line:
        return True
    if is_test_code(path) and matched.startswith("using namespace"):
        return True
    if is_test_code(path) and matched.startswith("std::thread"):
        return True  # a second thread or connection is what such a test is about
    return any(path.startswith(folder) and word in matched for folder, word in EXEMPT)


def check_code(tree):
    for path, text in tree.cpp("src/", "testing/", "tests/"):
        code, lines = without_comments(text), text.split("\n")
        for pattern, folders, advice in BANNED_CODE:
            if not path.startswith(folders):
                continue
            for match in re.finditer(pattern, code):
                number = line_of(code, match.start())
                if not is_exempt(path, lines[number - 1], match.group()):
                    yield Finding(path, number, f"`{match.group().strip()}`: {advice}")
        if "#pragma once" not in text and path.endswith(".h"):
            yield Finding(path, 1, "a header begins with #pragma once")


def check_sizes(tree):
    for path, text in tree.files.items():
        if path.endswith((".h", ".cc", ".py")) and path not in LONG_FILES and (
                lines := text.count("\n")) > MAX_LINES:
            yield Finding(path, lines, f"{lines} lines; {MAX_LINES} at most: which second idea moved in?")


def check_leftovers(tree):
    for path, text in tree.files.items():
        if path.startswith("tools/lint/") or not (path.endswith(TEXT_SUFFIXES) or "." not in path.rsplit("/", 1)[-1]):
            continue
        for pattern, advice in BANNED_ANYWHERE:
            for match in re.finditer(pattern, text, re.MULTILINE):
                yield Finding(path, line_of(text, match.start()), f"`{match.group()}`: {advice}")


def check_vendor_words(tree):
    """Providers may share words with each other; everything else, and what providers share, knows none of them."""
    for path, text in tree.cpp("src/"):
        if path.startswith("src/providers/") and not path.startswith("src/providers/common/"):
            continue
        for pattern, folder in VENDOR_WORDS:
            for match in re.finditer(pattern, text):
                if is_exempt(path, "", match.group()):
                    continue
                yield Finding(path, line_of(text, match.start()), f"`{match.group()}` belongs to {folder}")


CHECKS = [check_code, check_sizes, check_leftovers, check_vendor_words]
