"""A small hub on loopback: the addresses and headers that huggingface_hub and datasets ask for, and its faults."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".parquet", ".bin")  # kept under the sha256 of their content, as the hub does


@dataclass
class Repository:
    """Files by revision, and what is wrong with it.

    A fault is "", "gated", "dropped" (a connection ends early, once), "always dropped" (save the first of many files),
    or "wrong hash" (content unlike what was published).
    """

    revisions: dict[str, Path]
    fault: str = ""
    kind: str = "model"
    dropped: set[str] = field(default_factory=set)

    def commit(self, revision: str) -> str | None:
        """The commit of a branch, a tag or a commit."""
        commits = {name: hashlib.sha1(name.encode()).hexdigest() for name in self.revisions}
        return revision if revision in commits.values() else commits.get(revision)

    def folder(self, revision: str) -> Path:
        return next(path for name, path in self.revisions.items() if self.commit(name) == self.commit(revision))

    def files(self, revision: str) -> list[str]:
        folder = self.folder(revision)
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())

    def content(self, revision: str, name: str) -> tuple[bytes, str]:
        """What is sent, and the checksum that was published."""
        sent = (self.folder(revision) / name).read_bytes()
        large = name.endswith(LARGE)
        digest = hashlib.sha256(sent).hexdigest() if large else hashlib.sha1(sent).hexdigest()
        if self.fault == "wrong hash" and large:
            place = sent.find(b"Why?") + 1 or len(sent) - 1  # a letter of a question, or a number of the weights
            sent = sent[:place] + bytes([sent[place] ^ 1]) + sent[place + 1 :]
        return sent, digest


class Answers(BaseHTTPRequestHandler):
    """Answers for the repositories in `repositories`, by name; `asked` collects the paths."""

    protocol_version = "HTTP/1.1"
    repositories: dict[str, Repository]
    asked: list[str]

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer()

    def do_HEAD(self):
        self._answer()

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self._answer(self.rfile.read(length))

    def _answer(self, body: bytes = b"") -> None:
        self.asked.append(f"{self.command} {self.path}")
        path = unquote(urlsplit(self.path).path).strip("/")
        kind, words = ("dataset", path.removeprefix("api/").removeprefix("datasets/")) if "datasets/" in path else (
            "model", path.removeprefix("api/").removeprefix("models/"))  # fmt: skip
        name, rest = "/".join(words.split("/")[:2]), words.split("/")[2:]
        repository = self.repositories.get(name)
        if repository is None or repository.kind != kind:
            return self._refuse(404, "RepoNotFound", "Repository not found")
        if repository.fault == "gated" and rest[:1] == ["resolve"]:  # its page is open to everybody
            return self._refuse(403, "GatedRepo", f"Access to model {name} is restricted")
        revision = rest[1] if len(rest) > 1 else "main"
        if repository.commit(revision) is None:
            return self._refuse(404, "RevisionNotFound", f"Revision {revision} not found")
        if rest[:1] == ["resolve"]:
            return self._file(repository, revision, "/".join(rest[2:]))
        if rest[:1] == ["tree"]:
            return self._tree(repository, revision, "/".join(rest[2:]))
        if rest[:1] == ["paths-info"]:
            wanted = json.loads(body)["paths"] if body[:1] == b"{" else []
            return self._json([self._entry(repository, revision, f) for f in repository.files(revision) if f in wanted])
        info = {"id": name, "sha": repository.commit(revision), "private": False, "gated": False, "tags": []}
        return self._json(info | {"siblings": [{"rfilename": f} for f in repository.files(revision)]})

    def _entry(self, repository: Repository, revision: str, name: str) -> dict:
        sent, digest = repository.content(revision, name)
        entry = {"type": "file", "path": name, "size": len(sent), "oid": digest[:40]}
        return entry | ({"lfs": {"oid": digest, "size": len(sent), "pointerSize": 1}} if name.endswith(LARGE) else {})

    def _tree(self, repository: Repository, revision: str, under: str) -> None:
        files = [f for f in repository.files(revision) if not under or f.startswith(f"{under}/")]
        if under and not files:
            return self._refuse(404, "EntryNotFound", "Entry not found")
        deep = "recursive=true" in self.path.lower()
        entries = [self._entry(repository, revision, f) for f in files if deep or "/" not in f[len(under) :].strip("/")]
        folders = {f[len(under) :].strip("/").split("/")[0] for f in files if "/" in f[len(under) :].strip("/")}
        entries += [
            {"type": "directory", "path": f"{under}/{d}".strip("/"), "oid": "0" * 40, "size": 0} for d in folders
        ]
        return self._json(entries)

    def _file(self, repository: Repository, revision: str, name: str) -> None:
        if name not in repository.files(revision):
            return self._refuse(404, "EntryNotFound", "Entry not found")
        sent, digest = repository.content(revision, name)
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        part = sent[start:]
        self.send_response(206 if "Range" in self.headers else 200)
        self._common(repository.commit(revision), digest, len(part))
        if "Range" in self.headers:
            self.send_header("Content-Range", f"bytes {start}-{len(sent) - 1}/{len(sent)}")
        if name.endswith(LARGE):
            self.send_header("X-Linked-Etag", f'"{digest}"')
            self.send_header("X-Linked-Size", str(len(sent)))
        self.end_headers()
        if self.command == "HEAD":
            return
        always = repository.fault == "always dropped" and "00001-of" not in name
        if name.endswith(LARGE) and (always or self._drops_once(repository, name)):
            self.wfile.write(part[: len(part) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(part)

    def _drops_once(self, repository: Repository, name: str) -> bool:
        first = repository.fault == "dropped" and name not in repository.dropped
        repository.dropped.add(name)
        return first

    def _common(self, commit: str | None, digest: str, length: int) -> None:
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{digest}"')
        if commit:
            self.send_header("X-Repo-Commit", commit)

    def _json(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = json.dumps({"error": message}).encode()
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def hub(repositories: dict[str, Repository]):
    """Serve repositories on loopback; yields the address and the list of what was asked."""
    asked: list[str] = []
    answers = type("Answers", (Answers,), {"repositories": repositories, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    server.handle_error = lambda *_: None  # a client that goes away
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
