"""What a case attacks: a person's home with secrets, a repository in it, files outside of it, listeners, a process."""
import contextlib
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

# An ordinary user that owns nothing else on the machine.
ORDINARY_UID = 54321
# Long enough for a sanitizer build on a busy machine.
PATIENCE = 120


class Listeners:
    """Sockets on the machine that a jail must not reach; remembers what came."""

    def __init__(self, folder):
        self.received = b""
        self._lock = threading.Lock()
        self._sockets = []
        self._ended = False
        self.tcp_port = self._listen(socket.AF_INET, ("127.0.0.1", 0)).getsockname()[1]
        self.tcp6_port = self._listen(socket.AF_INET6, ("::1", 0)).getsockname()[1]
        self.abstract = f"lathe-escape-{os.getpid()}-{secrets.token_hex(4)}"
        self._listen(socket.AF_UNIX, "\0" + self.abstract)
        self.control = str(folder / "control.sock")
        self._listen(socket.AF_UNIX, self.control)
        os.chmod(self.control, 0o666)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        self.udp_port = udp.getsockname()[1]
        self._serve(udp, self._take_datagrams)

    def _listen(self, family, address):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.bind(address)
        listener.listen(16)
        self._serve(listener, self._take_connections)
        return listener

    def _serve(self, a_socket, take):
        a_socket.settimeout(0.2)
        thread = threading.Thread(target=take, args=(a_socket,), daemon=True)
        thread.start()
        self._sockets.append((a_socket, thread))

    def _remember(self, data):
        with self._lock:
            self.received += data

    def _take_connections(self, listener):
        while not self._ended:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                connection.settimeout(PATIENCE)
                with connection:
                    data = connection.recv(4096)
                    self._remember(data)
                    with contextlib.suppress(OSError):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    def _take_datagrams(self, udp):
        while not self._ended:
            with contextlib.suppress(OSError):
                self._remember(udp.recv(4096))

    def got(self, token):
        with self._lock:
            return token.encode() in self.received

    def stop(self):
        self._ended = True
        for a_socket, thread in self._sockets:
            thread.join()
            a_socket.close()


class World:
    """One fresh world, owned by `uid`. `token` is what an attack leaves outside; `secret` what it must not see."""

    def __init__(self, uid, with_secrets):
        self.uid = uid
        self.token = "token" + secrets.token_hex(8)
        self.secret = "secret" + secrets.token_hex(8)
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="lathe-escape-", dir="/var/tmp"))
        self.base.chmod(0o755)
        self.home = self.base / "home"
        self.workspace = self.home / "project"
        self.outside = self.base / "outside"
        self.lathe_home = self.base / "lathe-home"
        self.planted_in_tmp = pathlib.Path(f"/tmp/lathe-escape-{self.token}")
        self._make_files(with_secrets)
        self._make_repository()
        self.planted_in_tmp.write_text("planted\n")
        self.planted_in_tmp.chmod(0o666)
        if uid != os.getuid():
            subprocess.run(["chown", "-R", f"{uid}:{uid}", self.base], check=True)
        # Root's, executable with root's rights by everyone.
        self.suid = self.base / "suid-id"
        shutil.copy("/usr/bin/id", self.suid)
        self.suid.chmod(0o4755)
        self.listeners = Listeners(self.base)
        self.victim = self._start_victim()

    def put(self, path, text, mode=0o644):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def _make_files(self, with_secrets):
        for folder in (self.home, self.workspace, self.outside, self.lathe_home):
            folder.mkdir(parents=True)
        self.put(self.outside / "victim.txt", "precious\n")
        self.put(self.outside / "private.txt", self.secret + "\n", 0o600)
        self.put(self.home / ".ssh/id_ed25519", self.secret + "\n", 0o600)
        self.put(self.home / ".aws/credentials", self.secret + "\n", 0o600)
        self.put(self.home / ".npmrc", f"//registry/:_authToken={self.secret}\n", 0o600)
        self.put(self.home / ".git-credentials", self.secret + "\n", 0o600)
        self.put(self.home / ".bash_history", self.secret + "\n", 0o600)
        self.put(self.home / ".bashrc", "# mine\n")
        self.put(self.home / ".claude/settings.json", "{}\n")
        self.put(self.home / "Documents/thesis.txt", "precious\n")
        self.put(self.home / "neighbour/.env", self.secret + "\n")
        self.put(self.lathe_home / "config.yaml", "durability: process\n")
        self.put(self.lathe_home / "state/other-session.ndjson", self.secret + "\n", 0o600)
        self.put(self.workspace / "readme.txt", "hello\n")
        if with_secrets:
            self.put(self.workspace / ".env", self.secret + "\n")
            self.put(self.workspace / "deploy/id_rsa", self.secret + "\n", 0o600)

    def _make_repository(self):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.base), "GIT_CONFIG_NOSYSTEM": "1"}
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
        for words in (["init", "-q", "-b", "main", "."], ["add", "readme.txt"], [*identity, "commit", "-q", "-m", "start"]):
            subprocess.run(["git", *words], cwd=self.workspace, env=environment, check=True)
        self.put(self.workspace / ".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n", 0o755)
        self.put(self.workspace / ".vscode/tasks.json", "{}\n")
        self.put(self.workspace / ".lathe/agents/helper.md", "be kind\n")

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LATHE_HOME": str(self.lathe_home),
                "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", "MOCK_API_KEY": self.secret,
                "SSH_AUTH_SOCK": self.listeners.control}

    def as_user(self, argv):
        if self.uid == os.getuid():
            return argv
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", *argv]

    def _start_victim(self):
        return subprocess.Popen(self.as_user(["sleep", "1000"]), cwd=self.outside, stdin=subprocess.DEVNULL,
                                env={"PATH": os.environ["PATH"], "VICTIM_SECRET": self.secret})

    def fill_in(self, script, lathe):
        """The script with @NAME@ replaced."""
        values = {"OUT": self.outside, "TOKEN": self.token, "SECRET": self.secret, "HOME": self.home, "BASE": self.base,
                  "LATHE_HOME": self.lathe_home, "LATHE": lathe, "VICTIM": self.victim.pid,
                  "PLANTED": self.planted_in_tmp, "TCP": self.listeners.tcp_port, "TCP6": self.listeners.tcp6_port,
                  "UDP": self.listeners.udp_port, "ABSTRACT": self.listeners.abstract,
                  "CONTROL": self.listeners.control, "SUID": self.suid}
        for name, value in values.items():
            script = script.replace(f"@{name}@", str(value))
        return script

    def run(self, argv, timeout=PATIENCE):
        """Runs it in the workspace as the world's user; a descriptor to a file outside is open as number 9."""
        with open(self.outside / "open.txt", "ab") as leaked:
            os.chmod(leaked.name, 0o666)

            def keep_as_nine():
                os.dup2(leaked.fileno(), 9)

            return subprocess.run(self.as_user(argv), cwd=self.workspace, env=self.environment(), capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=timeout, preexec_fn=keep_as_nine, pass_fds=(9,))

    # --- what an attack may have done

    def wrote(self, path):
        with contextlib.suppress(OSError):
            return self.token in pathlib.Path(path).read_text(errors="replace")
        return False

    def victim_lives(self):
        return self.victim.poll() is None

    def stop(self):
        if self.victim_lives():
            self.victim.send_signal(signal.SIGKILL)
        self.victim.wait()
        self.listeners.stop()
        self.planted_in_tmp.unlink(missing_ok=True)
        shutil.rmtree(self.base, ignore_errors=True)
