"""A small fake of OpenSearch Dashboards' API for saved objects, on this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

type Json = dict[str, Any]


@dataclass
class FakeDashboards:
    """What it holds, and how it answers.

    Attributes:
        saved: the saved objects, by type and id.
        answer: a status and a text that it gives to every request; None for what Dashboards answers.
        tenants: the tenants that requests named.
        url: where it listens.
    """

    saved: dict[tuple[str, str], Json] = field(default_factory=dict)
    answer: tuple[int, str] | None = None
    tenants: set[str | None] = field(default_factory=set)
    url: str = ""

    def respond(self, path: str, headers: Any, body: bytes) -> tuple[int, str]:
        self.tenants.add(headers.get("securitytenant"))
        if self.answer:
            return self.answer
        if headers.get("osd-xsrf") is None:
            return 400, '{"statusCode":400,"message":"Request must contain a osd-xsrf header."}'
        if path == "/api/saved_objects/_bulk_get":
            return 200, json.dumps({"saved_objects": [self._get(each) for each in json.loads(body)]})
        if path == "/api/saved_objects/_import?overwrite=true":
            content_type = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
            parts = message_from_bytes(content_type + body).walk()
            (lines,) = [
                bytes(part.get_payload(decode=True)).splitlines() for part in parts if part.get_filename()
            ]
            return 200, json.dumps(self._import([json.loads(line) for line in lines]))
        return 404, '{"statusCode":404,"error":"Not Found","message":"Not Found"}'

    def _get(self, asked: Json) -> Json:
        missing = {"error": {"statusCode": 404, "error": "Not Found", "message": "not found"}}
        return self.saved.get((asked["type"], asked["id"]), {**asked, **missing})

    def _import(self, objects: list[Json]) -> Json:
        there = self.saved.keys() | {(each["type"], each["id"]) for each in objects}
        errors = []
        for each in objects:
            lacking = [to for to in each["references"] if (to["type"], to["id"]) not in there]
            if lacking:
                error = {"type": "missing_references", "references": lacking, "blocking": []}
                told = {"type": each["type"], "id": each["id"], "title": each["attributes"]["title"]}
                errors.append({**told, "error": error})
            else:
                self.saved[each["type"], each["id"]] = {**each, "version": "WzEsMV0="}
        return {"success": not errors, "successCount": len(objects) - len(errors), "errors": errors}


@contextmanager
def run_fake_dashboards() -> Iterator[FakeDashboards]:
    """Listens from `with` to its end."""
    fake = FakeDashboards()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, text = fake.respond(self.path, self.headers, body)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/app/login")
            self.end_headers()
            self.wfile.write(text.encode())

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<!DOCTYPE html><title>Log in</title>")

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
