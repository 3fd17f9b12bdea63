"""A TLS server on loopback that passes every connection on to a plain port: what a model provider's front end does."""
import asyncio
import ssl
import subprocess
import threading


class TlsFront:
    """Certificate and key are made for 127.0.0.1 in `folder`; `ca_file` is what a client must trust."""

    def __init__(self, port, folder):
        self.upstream, self.ca_file = port, folder / "front.pem"
        key = folder / "front.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", self.ca_file], check=True, stderr=subprocess.DEVNULL)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.ca_file, key)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        starting = asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.context)
        server = asyncio.run_coroutine_threadsafe(starting, self.loop).result()
        self.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    async def serve(self, reader, writer):
        behind, to_behind = await asyncio.open_connection("127.0.0.1", self.upstream)
        await asyncio.gather(self.copy(reader, to_behind), self.copy(behind, writer), return_exceptions=True)

    @staticmethod
    async def copy(source, sink):
        try:
            while data := await source.read(1 << 16):
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()
