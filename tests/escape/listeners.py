"""What listens on the machine, and must not hear from a jail."""
import contextlib
import os
import secrets
import selectors
import socket
import threading

REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
# The answer of a name server that knows nothing: the question with these flags.
NO_SUCH_NAME = b"\x81\x83"


class Listeners:
    """Sockets of every kind, served by one thread; remembers what came."""

    def __init__(self, folder, workspace, handed_out):
        self._received = bytearray()
        self._lock = threading.Lock()
        self._handed_out = os.open(handed_out, os.O_RDONLY | os.O_DIRECTORY)
        self._selector = selectors.DefaultSelector()
        self.tcp_port = self._listen(socket.AF_INET, ("127.0.0.1", 0)).getsockname()[1]
        self.tcp6_port = self._listen(socket.AF_INET6, ("::1", 0)).getsockname()[1]
        self.abstract = f"lathe-escape-{os.getpid()}-{secrets.token_hex(4)}"
        self._listen(socket.AF_UNIX, "\0" + self.abstract)
        self.control = self._listen_at(folder / "control.sock")
        self.docker = self._listen_at(folder / "home/.docker/run/docker.sock")
        # Beside programs that PATH leads to.
        self.daemon = self._listen_at(folder / "home/tools/share/daemon.sock")
        self._listen_at(workspace / "app.sock")
        self.log = self._listen_at(folder / "log.sock", socket.SOCK_DGRAM)
        self.udp_port = self._take(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)).getsockname()[1]
        self.name_server = ""
        if os.getuid() == 0:
            self.name_server = f"127.77.{secrets.randbelow(250) + 1}.{secrets.randbelow(250) + 1}"
            self._take(socket.AF_INET, socket.SOCK_DGRAM, (self.name_server, 53))
            self._take(socket.AF_INET, socket.SOCK_RAW, ("127.0.0.1", 0), socket.IPPROTO_ICMP)
        self._stop, self._stopped = socket.socketpair()
        self._selector.register(self._stopped, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _take(self, family, kind, address, protocol=0):
        taken = socket.socket(family, kind, protocol)
        taken.bind(address)
        taken.setblocking(False)
        self._selector.register(taken, selectors.EVENT_READ, self._on_datagram)
        return taken

    def _listen(self, family, address):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.bind(address)
        listener.listen(16)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, self._on_connection)
        return listener

    def _listen_at(self, path, kind=socket.SOCK_STREAM):
        """A socket that everyone may connect to as far as its rights go."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == socket.SOCK_STREAM:
            self._listen(socket.AF_UNIX, str(path))
        else:
            self._take(socket.AF_UNIX, kind, str(path))
        path.chmod(0o666)
        return str(path)

    def _serve(self):
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                with contextlib.suppress(OSError):
                    key.data(key.fileobj)

    def _remember(self, data):
        with self._lock:
            self._received += data

    def _on_connection(self, listener):
        connection, _ = listener.accept()
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, self._on_data)

    def _on_data(self, connection):
        try:
            data = connection.recv(4096)
            self._remember(data)
            if data == b"folder":
                socket.send_fds(connection, [b"here"], [self._handed_out])
            elif data:
                connection.sendall(REPLY)
        finally:
            self._selector.unregister(connection)
            connection.close()

    def _on_datagram(self, taken):
        data, sender = taken.recvfrom(65536)
        self._remember(data)
        if self.name_server and taken.getsockname() == (self.name_server, 53):
            taken.sendto(data[:2] + NO_SUCH_NAME + data[4:], sender)

    def got_bytes(self, data):
        with self._lock:
            return data in self._received

    def got(self, token):
        return self.got_bytes(token.encode())

    def stop(self):
        self._stop.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()
        os.close(self._handed_out)


class Caller:
    """Somebody outside who tries to reach a server that an attack may open, until it is told something."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.name = f"lathe-escape-called-{os.getpid()}-{secrets.token_hex(4)}"
        self._heard = b""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._call, daemon=True)

    def _call(self):
        while not self._ended.wait(0.02):
            for family, address in ((socket.AF_INET, ("127.0.0.1", self.port)), (socket.AF_UNIX, "\0" + self.name)):
                with contextlib.suppress(OSError), socket.socket(family) as connection:
                    connection.settimeout(2)
                    connection.connect(address)
                    self._heard += connection.recv(4096)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def heard(self, token):
        return token.encode() in self._heard
