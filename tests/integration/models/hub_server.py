"""A server that speaks as much of a Hugging Face hub's API as downloading takes."""

from __future__ import annotations

import hashlib
import os
import re

from tests.integration.models.server import FileServer, Handler

COMMIT = "c0ffee" * 6 + "c0ff"
CONTENT = os.urandom(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class HubHandler(Handler):
    """`/OWNER/REPO/resolve/REVISION/PATH` as the hub answers it."""

    server: HubServer

    def give_file(self) -> None:
        match = re.fullmatch(
            r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<at>[^/]+)/(?P<file>.+)", self.path
        )
        if match is None or match["repo"] != "acme/tiny":
            self.give(404, {"X-Error-Code": "RepoNotFound"})
        elif self.server.answer:
            self.give(*self.server.answer)
        elif match["at"] not in ("main", COMMIT):
            self.give(404, {"X-Error-Code": "RevisionNotFound"})
        elif match["file"] not in self.server.files:
            self.give(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        else:
            self.give_known(self.server.files[match["file"]])

    def give_known(self, content: bytes) -> None:
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            "X-Linked-Size": str(len(content)),
        }
        if self.server.storage:
            # Large files lie elsewhere: the hub says where, and of which version.
            headers["X-Linked-Etag"] = headers.pop("ETag")
            self.give(302, {**headers, "Location": self.server.storage})
        elif self.command == "HEAD":
            self.give(200, {**headers, "Content-Length": str(len(content))})
        else:
            self.give(200, headers, self.server.damaged or content)


class HubServer(FileServer):
    """Holds the repository acme/tiny, whose files are named without a slash before them."""

    handler = HubHandler

    def __init__(self) -> None:
        super().__init__()
        self.files = {"tiny.gguf": CONTENT, "tokenizer.json": b"{}"}
        self.answer: tuple[int, dict[str, str]] | None = None
        self.storage = ""
        self.damaged = b""
