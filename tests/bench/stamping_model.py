"""A model that says what time it is: every 20 ms each of its streams gets a delta whose text is the clock's, so that
whoever gets it knows how long it was under way. Speaks as much of the chat wire as that takes; a process of its own."""
import json
import multiprocessing
import re
import selectors
import socket
import time

INTERVAL = 0.02
LONG_LINE_BYTES = 10 << 20
# A prompt that holds this gets one line of 10 MB; "deltas: 5" gets five deltas.
LONG_LINE = b"a long line"
WANTED = re.compile(rb"deltas: (\d+)")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def chunk(text, **more):
    choice = {"index": 0, "delta": {"content": text}, **more}
    return b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "model": "mock", "choices": [choice]}).encode() + b"\n\n"


def stamp():
    return f"{time.monotonic_ns()} "


class Stream:
    def __init__(self, connection):
        self.connection = connection
        self.request = b""
        self.left = None  # deltas to send; None: its request is not complete

    def read(self):
        """False when it is over."""
        try:
            more = self.connection.recv(1 << 16)
        except ConnectionResetError:
            more = b""
        self.request += more
        head, found, body = self.request.partition(b"\r\n\r\n")
        if not more or self.left is not None or not found:
            return bool(more)
        lengths = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return len(body) < sum(lengths) or self.answer(head, body)

    def answer(self, head, body):
        if not head.startswith(b"POST"):
            self.connection.sendall(NOT_FOUND)
            return False
        self.connection.setblocking(True)
        self.connection.sendall(HEAD)
        if LONG_LINE in body:
            self.connection.sendall(chunk("x" * LONG_LINE_BYTES))
            self.left = 0
        else:
            self.left = int(WANTED.findall(body)[-1])
        return True

    def tick(self):
        """False when it is over."""
        try:
            if self.left:
                self.left -= 1
                self.connection.sendall(chunk(stamp()))
                return True
            self.connection.sendall(chunk("", finish_reason="stop") + b"data: [DONE]\n\n")
        except OSError:  # the client has left
            pass
        return False


def serve(listener):
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    streams = {}
    next_tick = time.monotonic()
    while True:
        for key, _ in selector.select(max(next_tick - time.monotonic(), 0)):
            if key.fileobj is listener:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                streams[connection] = Stream(connection)
                selector.register(connection, selectors.EVENT_READ)
            elif not streams[key.fileobj].read():
                selector.unregister(key.fileobj)
                streams.pop(key.fileobj).connection.close()
        if time.monotonic() < next_tick:
            continue
        next_tick = max(next_tick + INTERVAL, time.monotonic())
        for connection, stream in list(streams.items()):
            if stream.left is not None and not stream.tick():
                selector.unregister(connection)
                streams.pop(connection).connection.close()


class StampingModel:
    def __enter__(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.process = multiprocessing.get_context("fork").Process(target=serve, args=(listener,), daemon=True)
        self.process.start()
        listener.close()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()
