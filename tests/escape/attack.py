"""What an escape is made of: the classes and lines that it serves, who tries it, and how one sees that it worked.

Scripts are run by bash in the workspace; World.fill_in fills in @NAMES@.
"""
import dataclasses
import os
import platform
import stat
import time
import typing

FULL, NAMESPACES, LANDLOCK = "full", "namespaces", "landlock"
LEVELS = (FULL, NAMESPACES, LANDLOCK)
ALL = frozenset(LEVELS)
MOUNTS = frozenset({FULL, NAMESPACES})

SMALL_DISK = 64 << 20

# Classes of incidents; README.md lists what serves each.
RACES = "filesystem races and links"
TRUSTED_LATER = "what the outside trusts later"
REPOSITORY = "the repository's own contents run"
SWITCH_OFF = "the model turns safety off"
TEXT_FILTERS = "filters on command text"
EGRESS = "readings of host names"
LOCAL_SERVERS = "servers of this machine"
SSRF = "requests forged and paths traversed"
POISON = "tools and instructions poisoned"
SUPPLY_CHAIN = "credentials and start-up files"
DESTRUCTION = "destruction"
HANDLERS = "handlers of links and messages"
REMOTE = "control of other terminals, agents and processes"
HARMLESS = "commands that look harmless"
CONTAINER = "the box itself"
KINDS = (RACES, TRUSTED_LATER, REPOSITORY, SWITCH_OFF, TEXT_FILTERS, EGRESS, LOCAL_SERVERS, SSRF, POISON, SUPPLY_CHAIN,
         DESTRUCTION, HANDLERS, REMOTE, HARMLESS, CONTAINER)

# What Codex builds its sandbox of, and then what it tests of it, line by line.
LINE_SESSION = "codex: a session of its own that dies with its parent"
LINE_SPACES = "codex: processes, users, network and memory of its own"
LINE_MISSING_NAMES = "codex: links and missing paths among the protected ones"
LINE_READS = "codex: restricted reads"
LINE_SYSCALLS = "codex: ptrace, foreign memory, io_uring"
LINE_SOCKET_CALLS = "codex: calls on sockets"
LINE_REFUSED = "codex: what cannot be enforced is an error"
LINE_PROXY_RULES = "codex: the proxy refuses local and unnamed hosts"
LINE_ROOT_READ = "codex: root read"
LINE_WRITES = "codex: root write denied"
LINE_NULL = "codex: /dev/null"
LINE_ROOTS = "codex: writable roots"
LINE_MISSING_ROOT = "codex: a missing root is ignored"
LINE_PRIVILEGES = "codex: no new privileges"
LINE_TIMEOUT = "codex: timeout"
LINE_NETWORK = "codex: curl, wget, ping, nc, ssh, getent, /dev/tcp"
LINE_PROTECTED = "codex: .git and configuration are protected"
LINE_LINKS = "codex: symlink replacement"
LINE_PARENT = "codex: a repository above is found"
LINE_CARVED = "codex: carve-outs and re-opened children"
LINE_DEVICES = "codex: device nodes"
LINE_PROXY = "codex: the proxy routes and blocks the direct way"
LINE_UNIX = "codex: unix sockets denied, pairs allowed"
LINES = (LINE_SESSION, LINE_SPACES, LINE_MISSING_NAMES, LINE_READS, LINE_SYSCALLS, LINE_SOCKET_CALLS, LINE_REFUSED,
         LINE_PROXY_RULES, LINE_ROOT_READ, LINE_WRITES, LINE_NULL, LINE_ROOTS, LINE_MISSING_ROOT, LINE_PRIVILEGES,
         LINE_TIMEOUT, LINE_NETWORK, LINE_PROTECTED, LINE_LINKS, LINE_PARENT, LINE_CARVED, LINE_DEVICES, LINE_PROXY,
         LINE_UNIX)


@dataclasses.dataclass(frozen=True)
class Attack:
    name: str
    kinds: tuple
    script: str
    # worked(world, output): whether the attack succeeded.
    worked: typing.Callable
    # The levels at which it must not.
    levels: frozenset = ALL
    # Who can do it at all, unconfined.
    users: tuple = ("root", "ordinary")
    # The workspace holds secret files; commands are refused then at level landlock.
    secrets: bool = False
    # Runs with the proxy, which lets "allowed.test" through; refused at level landlock.
    proxy: bool = False
    # On a terminal of its own instead of /dev/null.
    terminal: bool = False
    # At level landlock, the version of Landlock's interface that stops it.
    since_abi: int = 1
    # World needs root to lay it out: a name server, a listener for echo requests.
    needs_root: bool = False
    # This folder of the workspace is a file system of SMALL_DISK bytes, empty; needs root to be made.
    small_disk: str = ""
    # The person has Lathe in their home, a copy, and runs that.
    installed_at_home: bool = False
    # What the person has set, by name of the variable.
    settings: tuple = ()
    # The processors whose numbers or machine code it holds; empty: all.
    machines: tuple = ()


def can_be_tried_here(attack):
    return not attack.machines or platform.machine() in attack.machines


# --- how one sees that it worked

def wrote(path):
    return lambda world, output: world.wrote(world.fill_in(path, ""))


def printed_secret(world, output):
    return world.secret in output


def printed(text):
    return lambda world, output: text in output.splitlines()


def reached(world, output):
    return world.listeners.got(world.token)


def gone(path):
    return lambda world, output: not os.path.lexists(world.fill_in(path, ""))


def changed(path, text):
    def look(world, output):
        with open(world.fill_in(path, "")) as file:
            return file.read() != text
    return look


def has_bit(path, bit):
    def look(world, output):
        try:
            status = os.lstat(world.fill_in(path, ""))
        except FileNotFoundError:
            return False
        return bool(status.st_mode & bit) and status.st_size > 0
    return look


def has_roots_rights(path):
    """Whoever executes the file does so as its owner."""
    return has_bit(path, stat.S_ISUID)


def has_groups_rights(path):
    """Whoever executes the file does so as its group; what is made in the folder is its group's."""
    return has_bit(path, stat.S_ISGID)


def is_no_program(path):
    """Not what it was."""
    def look(world, output):
        with open(world.fill_in(path, ""), "rb") as file:
            return file.read(4) != b"\x7fELF"
    return look


def victim_died(world, output):
    for _ in range(20):
        if not world.victim_lives():
            return True
        time.sleep(0.01)  # a signal that was sent is under way
    return False


# --- scripts

def python(code):
    return "python3 - <<'END'\n" + code.strip("\n") + "\nEND"


# call("name", …) makes a system call by its name, on any processor.
SYSCALL = """
import ctypes, ctypes.util, os
libc = ctypes.CDLL(None, use_errno=True)
_seccomp = ctypes.CDLL("libseccomp.so.2")
def call(name, *words):
    number = _seccomp.seccomp_syscall_resolve_name(name.encode())
    assert number >= 0, name
    return libc.syscall(ctypes.c_long(number), *[ctypes.c_long(w) if isinstance(w, int) else w for w in words])
"""
