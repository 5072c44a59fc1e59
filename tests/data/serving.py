"""An HTTP server on this machine that misbehaves as it is told."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """What is served, and how badly.

    `ranges`: whether a request for the rest of a file is understood. `breaks`: how many bytes each of the next answers has
    before the connection is cut. `lie`: by how much the length that is told is wrong. `busy`: how many of the next answers
    are 503. `asked`: the headers of all requests.
    """

    def __init__(self, files: Mapping[str, bytes]):
        self.files, self.ranges, self.lie, self.busy = dict(files), True, 0, 0
        self.breaks: list[int] = []
        self.asked: list[dict[str, str]] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(dict(self.headers))
                if server.busy or self.path not in server.files:
                    code, server.busy = (503, server.busy - 1) if server.busy else (404, 0)
                    self.send_error(code)
                    return
                self.answer(server.files[self.path], self.headers.get("Range") if server.ranges else None)

            def answer(self, content: bytes, ranged: str | None) -> None:
                begin = int(ranged.removeprefix("bytes=").rstrip("-")) if ranged else 0
                if begin >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206 if ranged else 200)
                if ranged:
                    self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(content) - begin + server.lie))
                self.end_headers()
                most = server.breaks.pop(0) if server.breaks else len(content)
                self.wfile.write(content[begin : begin + most])

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[Server]:
    """A server until the end of the block."""
    server = Server(files)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()
