"""HumanLayer's HTTP interface as its client 0.7 speaks it, on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/humanlayer/v1"
KEY = "hl-SECRET"


class Service(ThreadingHTTPServer):
    """Keeps function calls. `failures` are given out first: status, headers, and whether the
    request is carried out all the same."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}{PATH}"
        self.calls: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.failures: list[tuple[int, dict[str, str], bool]] = []
        self.asked = threading.Event()

    def answer(self, **status: Any) -> None:
        """What a person presses on the only call there is."""
        [call] = self.calls.values()
        call["status"] = status


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        call = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._reply(201, lambda: self._create(call))

    def do_GET(self) -> None:
        call_id = self.path.rpartition("/")[2]
        self._reply(200, lambda: self.server.calls.get(call_id))

    def _create(self, call: dict[str, Any]) -> dict[str, Any] | None:
        if call["call_id"] in self.server.calls:
            return None
        self.server.calls[call["call_id"]] = call
        self.server.asked.set()
        return call

    def _reply(self, status: int, carry_out: Any) -> None:
        self.server.requests.append(f"{self.command} {self.path.removeprefix(PATH)}")
        if self.headers["authorization"] != f"Bearer {KEY}":
            return self._send(401, {}, "the key SECRET is not known")
        if self.server.failures:
            failure, headers, carried_out = self.server.failures.pop(0)
            if carried_out:
                carry_out()
            page = "<h1>SECRET</h1>" if failure == 502 else None
            return self._send(failure, headers, {"error": "SECRET"}, page)
        found = carry_out()
        return self._send(404 if found is None else status, {}, found)

    def _send(
        self, status: int, headers: dict[str, str], said: Any, page: str | None = None
    ) -> None:
        """JSON, or the page of a proxy."""
        body = (page or json.dumps(said)).encode()
        kind = "text/html" if page else "application/json"
        self.send_response(status)
        headers = {"content-type": kind, "content-length": str(len(body)), **headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
