"""What a case attacks: a person's home with secrets, a repository in it, files outside of it, listeners, a process."""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import pty
import secrets
import shutil
import signal
import subprocess
import tempfile
import termios
import tty

from attack import SMALL_DISK
from listeners import Caller, Listeners

# An ordinary user that owns nothing else on the machine.
ORDINARY_UID = 54321
USERS = {"root": 0, "ordinary": ORDINARY_UID} if os.getuid() == 0 else {"ordinary": os.getuid()}
# Long enough for a sanitizer build on a busy machine.
PATIENCE = 120

# What every user of the machine may execute.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

libc = ctypes.CDLL(None, use_errno=True)

# Runs a command on the terminal that is our descriptor 0 and then writes what was typed into it to a file.
ON_A_TERMINAL = """
import os, subprocess, sys
code = subprocess.call(sys.argv[2:])
os.set_blocking(0, False)
try: typed = os.read(0, 4096)
except OSError: typed = b""
open(sys.argv[1], "wb").write(typed)
sys.exit(code)
"""


def remove(folder, removals=[]):
    """Beside what comes next: removing folders waits for the kernel a lot. Without a folder, waits for all."""
    if folder:
        removals.append(subprocess.Popen(["rm", "-rf", folder], stderr=subprocess.DEVNULL))
        return
    for removal in removals:
        removal.wait()


def finish():
    """At the end of all tests."""
    if hasattr(make_repository, "template"):
        remove(make_repository.template)
    remove(None)


def make_repository(folder):
    """A git repository with one commit, copied from one that is made once."""
    if not hasattr(make_repository, "template"):
        template = pathlib.Path(tempfile.mkdtemp(prefix="lathe-escape-repository-"))
        (template / "readme.txt").write_text("hello\n")
        environment = {"PATH": PATH, "HOME": str(template), "GIT_CONFIG_NOSYSTEM": "1"}
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
        for words in (["init", "-q", "-b", "main", "--template=", "."], ["add", "readme.txt"],
                      [*identity, "commit", "-q", "-m", "start"]):
            subprocess.run(["git", *words], cwd=template, env=environment, check=True)
        make_repository.template = template
    shutil.copytree(make_repository.template, folder, dirs_exist_ok=True)


def give(folder, uid):
    """The folder and what is in it to that user; a process for it would take longer."""
    os.lchown(folder, uid, uid)
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            give(entry.path, uid)
        else:
            os.lchown(entry.path, uid, uid)


class SharedMemory:
    """A secret in shared memory and in a message queue, which belong to no folder."""

    def __init__(self, name, secret):
        libc.shmat.restype = ctypes.c_void_p
        self.name = "/" + name
        self.number = libc.shmget(0, 4096, 0o1666)
        at = libc.shmat(self.number, None, 0)
        ctypes.memmove(at, secret.encode() + b"\0", len(secret) + 1)
        libc.shmdt(ctypes.c_void_p(at))
        self._file = pathlib.Path("/dev/shm" + self.name)
        self._file.write_text(secret)
        self._queue = libc.mq_open(self.name.encode(), os.O_CREAT | os.O_RDWR, 0o644, None)
        assert self.number >= 0 and self._queue >= 0, os.strerror(ctypes.get_errno())
        libc.mq_send(self._queue, secret.encode(), len(secret), 0)

    def stop(self):
        libc.shmctl(self.number, 0, None)
        self._file.unlink()
        libc.mq_unlink(self.name.encode())
        os.close(self._queue)


class World:
    """One fresh world, owned by `uid`. `token` is what an attack leaves outside; `secret` what it must not see."""

    def __init__(self, uid, with_secrets=False):
        self.uid = uid
        self.token = "token" + secrets.token_hex(8)
        self.secret = "secret" + secrets.token_hex(8)
        self.ping = secrets.token_hex(8)
        # For how long processes sleep that are looked for afterwards.
        self.seconds = f"98765.{secrets.randbelow(10**9):09}"
        self._may_sleep = False
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="lathe-escape-", dir="/var/tmp"))
        self.base.chmod(0o755)
        self.home = self.base / "home"
        self.workspace = self.home / "project"
        self.outside = self.base / "outside"
        self.lathe_home = self.base / "lathe-home"
        self.temporary = self.base / "temporary"
        name = f"lathe-escape-{self.token}"
        self.planted_in_tmp = pathlib.Path("/tmp") / name
        self.in_system = (pathlib.Path("/etc") / name, pathlib.Path("/usr/local/bin") / name)
        self._make_files(with_secrets)
        self._make_workspace(with_secrets)
        self.listeners = Listeners(self.base, self.workspace, self.outside)
        self.caller = Caller()
        self._give_to_user()
        self.memory = SharedMemory(name, self.secret)
        self._terminals = pty.openpty()
        for fd in self._terminals:
            tty.setraw(fd)
        os.set_blocking(self._terminals[0], False)
        os.chown(os.ttyname(self._terminals[1]), uid, -1)
        self._shown = b""
        self.victim = self._start_victim()

    def put(self, path, text, mode=0o644):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def _make_files(self, with_secrets):
        for folder in (self.home, self.workspace, self.outside, self.lathe_home, self.temporary):
            folder.mkdir(parents=True)
        self.put(self.outside / "victim.txt", "precious\n")
        self.put(self.outside / "private.txt", self.secret + "\n", 0o600)
        self.put(self.outside / "open.txt", "", 0o666)
        self.put(self.home / ".ssh/id_ed25519", self.secret + "\n", 0o600)
        self.put(self.home / ".aws/credentials", self.secret + "\n", 0o600)
        self.put(self.home / ".npmrc", f"//registry/:_authToken={self.secret}\n", 0o600)
        self.put(self.home / ".git-credentials", self.secret + "\n", 0o600)
        self.put(self.home / ".gitconfig", "[user]\n\tname = t\n\temail = t@example.invalid\n")
        self.put(self.home / ".bash_history", self.secret + "\n", 0o600)
        self.put(self.home / ".bashrc", "# mine\n")
        self.put(self.home / ".claude/settings.json", "{}\n")
        self.put(self.home / "Documents/thesis.txt", "precious\n")
        self.put(self.home / "neighbour/.env", self.secret + "\n")
        self.put(self.lathe_home / "config.yaml", "durability: process\n")
        self.put(self.lathe_home / "state/other-session.ndjson", self.secret + "\n", 0o600)
        self.put(self.planted_in_tmp, "planted\n", 0o666)

    def _make_workspace(self, with_secrets):
        make_repository(self.workspace)
        self.put(self.workspace / ".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n", 0o755)
        self.put(self.workspace / ".vscode/tasks.json", "{}\n")
        self.put(self.workspace / ".lathe/agents/helper.md", "be kind\n")
        if with_secrets:
            self.put(self.workspace / ".env", self.secret + "\n")
            self.put(self.workspace / "deploy/id_rsa", self.secret + "\n", 0o600)

    def _give_to_user(self):
        self.put(self.base / "resolv.conf", f"nameserver {self.listeners.name_server}\noptions timeout:1 attempts:1\n")
        (self.base / "bin").mkdir()
        shutil.copy("/bin/sleep", self.base / "bin/victim")
        if self.uid != os.getuid():
            give(self.base, self.uid)
        # Root's, executable with root's rights by everyone.
        self.suid = self.base / "suid-id"
        shutil.copy("/usr/bin/id", self.suid)
        self.suid.chmod(0o4755)

    def install(self, program):
        """A copy of Lathe in the home; gives the program's path."""
        folder = self.home / ".local"
        for name in ("bin/lathe", "libexec/lathe/lathe-keeper"):
            (folder / name).parent.mkdir(parents=True)
            shutil.copy(pathlib.Path(program).parents[1] / name, folder / name)
        give(folder, self.uid)
        return str(folder / "bin/lathe")

    def environment(self):
        path = f"{self.home}/missing/bin:{self.home}/tools/bin:{self.home}/.local/bin:{PATH}"
        return {"PATH": path, "HOME": str(self.home), "LATHE_HOME": str(self.lathe_home),
                "TMPDIR": str(self.temporary), "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", "MOCK_API_KEY": self.secret,
                "SSH_AUTH_SOCK": self.listeners.control, "LATHE_DAEMON_AUTO_START": "never"}

    def as_user(self, argv):
        if self.uid == os.getuid():
            return argv
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", *argv]

    def _start_victim(self):
        other = {"user": self.uid, "group": self.uid, "extra_groups": []} if self.uid != os.getuid() else {}
        with open(self.outside / "private.txt") as private:
            return subprocess.Popen([f"sleep-{self.secret}", "1000"], executable=self.base / "bin/victim", cwd=self.outside,
                                    stdin=private, env={"PATH": PATH, "VICTIM_SECRET": self.secret}, **other)

    def fill_in(self, script, lathe):
        """The script with @NAME@ replaced."""
        values = {"OUT": self.outside, "TOKEN": self.token, "SECRET": self.secret, "HOME": self.home, "BASE": self.base,
                  "LATHE_HOME": self.lathe_home, "LATHE": lathe, "VICTIM": self.victim.pid,
                  "PLANTED": self.planted_in_tmp, "ETC": self.in_system[0], "USR": self.in_system[1],
                  "TCP": self.listeners.tcp_port, "TCP6": self.listeners.tcp6_port, "UDP": self.listeners.udp_port,
                  "ABSTRACT": self.listeners.abstract, "CONTROL": self.listeners.control, "LOG": self.listeners.log,
                  "DOCKER": self.listeners.docker, "DAEMON": self.listeners.daemon, "CALLED": self.caller.port, "CALLED_NAME": self.caller.name,
                  "PING": self.ping, "SECONDS": self.seconds, "SUID": self.suid, "SHM": self.memory.number, "SHM_NAME": self.memory.name,
                  "TTY": os.ttyname(self._terminals[1])}
        self._may_sleep |= "@SECONDS@" in script
        for name, value in values.items():
            script = script.replace(f"@{name}@", str(value))
        return script

    def run(self, argv, timeout=PATIENCE, terminal=False, own_resolver=False, small_disk="", cwd=None, settings=()):
        """Runs it in the workspace as the world's user; a descriptor to a file outside is open as number 9."""
        argv = self.as_user(argv)
        if terminal:
            argv = ["python3", "-c", ON_A_TERMINAL, str(self.base / "typed"), *argv]
        if own_resolver:
            argv = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"',
                    str(self.base / "resolv.conf"), *argv]
        if small_disk:
            options = f"size={SMALL_DISK},uid={self.uid},gid={self.uid},mode=755"
            there = str(self.workspace / small_disk)
            argv = ["unshare", "-m", "sh", "-c", 'mkdir -p "$1" && mount -t tmpfs -o "$0" small "$1" && cd "$PWD" && shift && exec "$@"',
                    options, there, *argv]
        stdin = self._terminals[1] if terminal else subprocess.DEVNULL
        with open(self.outside / "open.txt", "ab") as leaked:

            def prepare():
                os.dup2(leaked.fileno(), 9)
                if terminal:
                    os.setsid()
                    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

            return subprocess.run(argv, cwd=cwd or self.workspace, env={**self.environment(), **dict(settings)}, capture_output=True, stdin=stdin,
                                  timeout=timeout, preexec_fn=prepare, pass_fds=(9,))

    def make_folder(self, path):
        """In the workspace, the user's."""
        folder = self.workspace / path
        self.run(["mkdir", "-p", str(folder)])
        return folder

    # --- what an attack may have done

    def wrote(self, path):
        with contextlib.suppress(OSError):
            return self.token in pathlib.Path(path).read_text(errors="replace")
        return False

    def victim_lives(self):
        return self.victim.poll() is None

    def victim_state(self):
        return pathlib.Path(f"/proc/{self.victim.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

    def typed(self, text):
        """Whether it was typed into the terminal that the attack ran on."""
        typed = self.base / "typed"
        return typed.exists() and text.encode() in typed.read_bytes()

    def shown(self, text):
        """Whether it came to somebody else's terminal."""
        with contextlib.suppress(OSError):
            self._shown += os.read(self._terminals[0], 65536)
        return text.encode() in self._shown

    def sleepers(self):
        """Processes that sleep for `seconds`, and are not dead yet."""
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
                if words[:2] == [b"sleep", self.seconds.encode()] and state != "Z":
                    yield int(folder.name)

    def stop(self):
        for pid in self.sleepers() if self._may_sleep else ():
            os.kill(pid, signal.SIGKILL)
        if self.victim_lives():
            self.victim.send_signal(signal.SIGKILL)
        self.victim.wait()
        self.listeners.stop()
        self.memory.stop()
        for fd in self._terminals:
            os.close(fd)
        for path in (self.planted_in_tmp, *self.in_system):
            path.unlink(missing_ok=True)
        remove(self.base)
