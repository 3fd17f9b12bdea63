"""https with certificates of a made-up authority: what it vouches for is spoken to over every wire, everything else is
refused at once, before a key was sent, with what to do."""
import socket
import ssl
import subprocess
import threading

import pytest

from support import WIRES, says

CONFIG = """
[ca]
default_ca = it
[it]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = names
x509_extensions = extensions
[names]
commonName = supplied
[req]
distinguished_name = subject
[subject]
[extensions]
subjectAltName = {names}
"""
HERE = "DNS:localhost,IP:127.0.0.1"


class Authority:
    """Makes certificates with the openssl program."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n")
        (folder / "config").write_text(CONFIG.format(names=HERE))
        self.file = folder / "authority.pem"
        self._openssl("req", "-x509", *self._key("authority"), "-out", self.file, "-subj", "/CN=authority", "-days", "2",
                      "-addext", "basicConstraints=critical,CA:TRUE")

    def _key(self, name):
        return ["-config", "config", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]

    def _openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def certificate(self, name, names=HERE, dates=()):
        (self.folder / "config").write_text(CONFIG.format(names=names))
        self._openssl("req", *self._key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self._openssl("ca", "-batch", "-config", "config", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext",
                      "-cert", self.file, "-keyfile", "authority.key", *(dates or ("-days", "2")))
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


class Front:
    """Takes TLS off connections and hands them on to a server."""

    def __init__(self, server, certificate):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.behind = int(server.url.rsplit(":", 1)[1])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    def _accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:  # closed
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            client = self.context.wrap_socket(plain, server_side=True)
        except (ssl.SSLError, OSError):  # the client refused the certificate
            plain.close()
            return
        behind = socket.create_connection(("127.0.0.1", self.behind))
        threading.Thread(target=self._pump, args=(behind, client), daemon=True).start()
        self._pump(client, behind)

    @staticmethod
    def _pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass  # one of both is closed: there is nothing left to hand on


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


@pytest.fixture
def front():
    started = []

    def start(server, certificate):
        started.append(Front(server, certificate))
        return started[-1]

    yield start
    for one in started:
        one.listener.close()


@pytest.mark.parametrize("wire", WIRES)
def test_every_wire_speaks_tls(lathe, start_server, authority, front, wire):
    server = start_server(says("In ", "private."))
    lathe.use(front(server, authority.certificate("server")), wire)
    lathe.variables["SSL_CERT_FILE"] = str(authority.file)
    assert "In private." in lathe.ok("exec", "hello").out
    assert [request["wire"] for request in server.requests()] == [WIRES[wire]]


def refused(lathe, wire, place):
    """The error of a run whose one connection comes to nothing."""
    lathe.use(place, wire)
    ran = lathe.fails(5, "exec", "--json", "hello")
    error = ran.of_type("error")[-1]
    assert (error["code"], error["retryable"]) == ("unreachable", False)
    assert ran.of_type("stream_error") == [] and place.connections == 1
    assert f"localhost:{place.port}" in error["message"]
    return error


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_an_unknown_authority_is_refused(lathe, start_server, authority, front, tmp_path, wire):
    server = start_server(says("never"))
    certificate = authority.certificate("server")
    error = refused(lathe, wire, front(server, certificate))
    assert "certificate" in error["message"] and "name the file of a private one in SSL_CERT_FILE" in error["hint"]

    other = Authority(tmp_path / "other")
    lathe.variables["SSL_CERT_FILE"] = str(other.file)
    error = refused(lathe, wire, front(server, certificate))
    assert f"trusted are the authorities in {other.file}" in error["hint"]
    assert server.requests() == []


def test_a_certificate_of_another_host_or_time_is_refused(lathe, start_server, authority, front):
    server = start_server(says("never"))
    lathe.variables["SSL_CERT_FILE"] = str(authority.file)
    error = refused(lathe, "openai", front(server, authority.certificate("elsewhere", names="DNS:models.example")))
    assert "use the host name" in error["hint"]
    past = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")
    error = refused(lathe, "openai", front(server, authority.certificate("expired", dates=past)))
    assert "expired" in error["message"] and "needs a new certificate" in error["hint"]
    future = ("-startdate", "20900101000000Z", "-enddate", "20910102000000Z")
    error = refused(lathe, "openai", front(server, authority.certificate("early", dates=future)))
    assert "the clock of this machine" in error["hint"]
    assert server.requests() == []


def test_a_file_of_authorities_that_is_not_there_is_named(lathe, start_server, authority, front, tmp_path):
    server = start_server(says("never"))
    lathe.variables["SSL_CERT_FILE"] = str(tmp_path / "nowhere.pem")
    place = front(server, authority.certificate("server"))
    lathe.use(place)
    error = lathe.fails(5, "exec", "--json", "hello").of_type("error")[-1]
    assert str(tmp_path / "nowhere.pem") in error["hint"] and not error["retryable"]
