"""A model hub on loopback: the part of the HTTP interface that a download uses."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextlib.contextmanager
def hub(repositories: dict[str, Path], commit: str = COMMIT, wrong: str = "") -> Iterator[str]:
    """Serves folders as repositories, `{"org/name": folder}`, whose only revision is `commit`; yields the address.

    Like real hubs, it reports the sha256 of safetensors files; a wrong one for a file named `wrong`.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

        def _answer(self, with_body: bool) -> None:
            parts = unquote(urlparse(self.path).path).strip("/").split("/")
            if parts[:2] == ["api", "models"] and "/".join(parts[2:4]) in repositories:
                self._json(self._api("/".join(parts[2:4]), parts[4:]), with_body)
            elif parts[2:3] == ["resolve"] and "/".join(parts[:2]) in repositories:
                file = repositories["/".join(parts[:2])] / "/".join(parts[4:])
                self._send(200, file.read_bytes(), with_body) if file.is_file() else self._missing()
            else:
                self._missing()

        def _api(self, repository: str, rest: list[str]) -> object:
            files = sorted(path for path in repositories[repository].rglob("*") if path.is_file())
            names = [str(path.relative_to(repositories[repository])) for path in files]
            if rest[:1] == ["tree"]:
                return [
                    {"type": "file", "path": name, "size": path.stat().st_size, "oid": _etag(path.read_bytes())}
                    for name, path in zip(names, files, strict=True)
                ]
            return {
                "id": repository,
                "sha": commit,
                "siblings": [
                    {"rfilename": name, "size": path.stat().st_size, **_lfs(path, is_wrong=name == wrong)}
                    for name, path in zip(names, files, strict=True)
                ],
            }

        def _json(self, value: object, with_body: bool) -> None:
            self._send(200, json.dumps(value).encode(), with_body)

        def _missing(self) -> None:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send(self, status: int, body: bytes, with_body: bool) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{_etag(body)}"')
            self.send_header("X-Repo-Commit", commit)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="test-hub")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _etag(body: bytes) -> str:
    return hashlib.sha1(body, usedforsecurity=False).hexdigest()


def _lfs(file: Path, *, is_wrong: bool) -> dict[str, object]:
    if file.suffix != ".safetensors":
        return {}
    digest = hashlib.sha256(b"another" if is_wrong else file.read_bytes()).hexdigest()
    return {"lfs": {"sha256": digest, "size": file.stat().st_size, "pointerSize": 134}}
