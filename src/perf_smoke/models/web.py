"""How a file comes over HTTP: resumed where it broke off, and only when it has changed."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping, Sequence

import requests

from perf_smoke.models.base import Errand, Fetched, megabytes
from perf_smoke.models.client import session
from perf_smoke.models.reference import Web, browsed_form
from perf_smoke.models.store import Entry, Validator, ensure_space, write_all
from perf_smoke.reasons import Reason
from perf_smoke.result import Unmeasured

_CHUNK = 256 * 1024
_PASSING = (408, 425, 429)
_BYTES = r"[0-9]{1,18}"
"""A number of bytes that some disk may hold."""


class _TryAgain(Exception):
    """An attempt failed in a way that may pass."""

    def __init__(self, reason: Reason, why: str, pause_s: float | None = None) -> None:
        super().__init__(why)
        self.reason = reason
        self.why = why
        self.pause_s = pause_s
        """What the server asked for; None: our own choice."""


def bring(places: Sequence[Web], errand: Errand, entry: Entry) -> list[Fetched]:
    """Bring files into their entry, which the caller has locked.

    A copy that is there already is used if the server says that it has not changed, or if the
    server cannot say; then the note tells.

    Raises:
        Unmeasured: see fetch.py.
    """
    pinned = bool(errand.wanted)
    with session(errand.environment, pinned=pinned, deadline=errand.deadline) as client:
        sha256 = errand.wanted if len(places) == 1 else ""
        return [_Transfer(place, errand, entry, client, sha256).run() for place in places]


class _Transfer:
    """The attempts at one file."""

    def __init__(
        self, place: Web, errand: Errand, entry: Entry, client: requests.Session, sha256: str
    ) -> None:
        self._place = place
        self._sha256 = sha256
        """What this file must have; empty where only that of all shards is known."""
        self._pinned = bool(errand.wanted)
        self._entry = entry
        self._client = client
        self._progress = errand.progress
        self._patience = errand.patience
        self._part = entry.part(place.name)
        self._held = entry.held(place.name)
        self._deadline = errand.deadline

    def run(self) -> Fetched:
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt()
            except _TryAgain as again:
                # With a copy at hand one more attempt is enough; without, it is the model or
                # nothing.
                most = 2 if self._held else self._patience.attempts
                pause_s = again.pause_s
                if pause_s is None:
                    pause_s = self._patience.pause_s * 2 ** (attempt - 1)
                late = pause_s >= self._deadline.left_s
                if attempt >= most or pause_s > self._patience.longest_pause_s or late:
                    return self._without_the_server(again, attempt)
            self._patience.sleep(pause_s)

    def _without_the_server(self, again: _TryAgain, attempts: int) -> Fetched:
        shown = self._place.shown
        if self._held:
            return Fetched(
                file=self._held.file,
                from_cache=True,
                note=f"Whether {shown} has changed could not be asked ({again.why}); "
                "the copy that an earlier run fetched was used.",
            )
        tried = "once" if attempts == 1 else f"{attempts} times"
        raise Unmeasured(
            again.reason, f"{shown} could not be fetched (tried {tried}): {again.why}."
        )

    def _attempt(self) -> Fetched:
        resume = self._part.resumable()
        headers = {}
        if resume:
            headers = {"Range": f"bytes={resume[0]}-", "If-Range": resume[1].strong}
        elif self._held and self._held.validator.etag:
            headers = {"If-None-Match": self._held.validator.etag}
        elif self._held and self._held.validator.last_modified:
            headers = {"If-Modified-Since": self._held.validator.last_modified}
        with self._ask(headers) as response:
            if response.status_code == 304 and self._held:
                return Fetched(file=self._held.file, from_cache=True)
            self._refuse(response)
            # From here on the server has another version: the copy at hand no longer counts.
            self._held = None
            if response.status_code == 206:
                return self._receive(response, *self._continued(response, resume))
            length = re.fullmatch(_BYTES, response.headers.get("Content-Length", ""))
            return self._receive(response, 0, int(length[0]) if length else None)

    def _ask(self, headers: Mapping[str, str]) -> requests.Response:
        left_s = self._deadline.left_s
        if not left_s:
            raise _TryAgain("model-download", "it takes too long")
        timeouts = (min(left_s, self._patience.connect_s), self._patience.silence_s)
        try:
            return self._client.get(
                self._place.url, headers=dict(headers), stream=True, timeout=timeouts
            )
        except requests.exceptions.SSLError as error:
            raise self._refused(f"its certificate is not accepted ({_cause(error)})") from error
        except requests.exceptions.TooManyRedirects as error:
            raise self._refused("it redirects without end") from error
        except (requests.ConnectionError, requests.Timeout) as error:
            raise _TryAgain("model-offline", _cause(error)) from error
        except (requests.RequestException, ValueError) as error:
            # The text of these errors may hold the whole address, so only their kind is told.
            raise self._refused(f"the address is not usable ({type(error).__name__})") from error

    def _refuse(self, response: requests.Response) -> None:
        """Raise for every answer that does not carry the file."""
        status = response.status_code
        answer = f"{status} {response.reason or ''}".strip()
        if status in (404, 410):
            raise Unmeasured(
                "model-missing", f"{self._place.shown} does not exist: the server says {answer}."
            )
        if status in (401, 403, 407):
            raise Unmeasured(
                "model-forbidden",
                f"{self._place.shown} may not be read: the server says {answer}. "
                f"Tokens are sent for hf:// references alone{self._as_hub_form()}.",
            )
        if status == 416:
            self._part.discard()
            raise _TryAgain("model-download", f"the server says {answer}", pause_s=0)
        if status in _PASSING or status >= 500:
            pause_s = _retry_after(response.headers.get("Retry-After", ""))
            asks = "" if pause_s is None else f" and asks to wait {pause_s:.0f} s"
            raise _TryAgain("model-download", f"the server says {answer}{asks}", pause_s)
        if status not in (200, 206):
            raise self._refused(f"the server says {answer}")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/html" and not self._place.name.endswith((".html", ".htm")):
            raise self._refused(
                "the server answers with a web page, such as one to sign in; name the address "
                f"of the file itself{self._as_hub_form()}"
            )
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._refused("the server sends it compressed, although asked not to")

    def _continued(
        self, response: requests.Response, resume: tuple[int, Validator] | None
    ) -> tuple[int, int]:
        """Where a partial answer goes on, and how long the whole file is.

        It counts only if it fits to what is there: same place, same version.
        """
        content_range = response.headers.get("Content-Range", "").strip()
        match = re.fullmatch(rf"bytes ({_BYTES})-({_BYTES})/({_BYTES}|\*)", content_range)
        etag = response.headers.get("ETag", "")
        if (
            resume is None
            or match is None
            or int(match[1]) != resume[0]
            or etag not in ("", resume[1].etag)
        ):
            self._part.discard()
            raise _TryAgain(
                "model-download", "the server went on at another place than asked", pause_s=0
            )
        return resume[0], int(match[2]) + 1 if match[3] == "*" else int(match[3])

    def _receive(self, response: requests.Response, offset: int, total: int | None) -> Fetched:
        whole = total is not None or "Transfer-Encoding" in response.headers
        if not whole and not self._pinned:
            raise self._refused(
                "the server does not say how long the file is, so that a broken transfer would "
                "go unnoticed; give model-sha256"
            )
        ensure_space(self._entry.folder, (total or 0) - offset)
        validator = Validator(
            etag=response.headers.get("ETag", ""),
            last_modified=response.headers.get("Last-Modified", ""),
        )
        done = offset
        self._progress(done, total)
        with self._part.writing("ab" if offset else "wb", validator) as file:
            try:
                for chunk in response.iter_content(_CHUNK):
                    # Others write too, and the length need not be known.
                    ensure_space(self._entry.folder, 0)
                    write_all(file, chunk, self._entry.folder)
                    done += len(chunk)
                    self._progress(done, total)
            except requests.RequestException as error:
                if not self._deadline.left_s:
                    raise _TryAgain("model-download", "it takes too long") from error
                raise self._broken(done, total) from error
            if total is not None and done != total:
                raise self._broken(done, total)
        if total is None:
            self._progress(done, done)
        try:
            whole_file = self._entry.accept(
                self._part.path, self._place.name, sha256=self._sha256, validator=validator
            )
        finally:
            self._part.discard()
        return Fetched(file=whole_file, from_cache=False)

    def _broken(self, done: int, total: int | None) -> _TryAgain:
        of = f" of {megabytes(total)}" if total is not None else ""
        return _TryAgain("model-truncated", f"the transfer broke off after {megabytes(done)}{of}")

    def _as_hub_form(self) -> str:
        form = browsed_form(self._place)
        return f", such as {form}" if form else ""

    def _refused(self, why: str) -> Unmeasured:
        return Unmeasured("model-download", f"{self._place.shown} cannot be fetched: {why}.")


def _retry_after(value: str) -> float | None:
    """Seconds to wait (RFC 9110, section 10.2.3: a number or a date)."""
    if value.strip().isdecimal():
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, when.timestamp() - time.time())


def _cause(error: BaseException) -> str:
    """What lies at the bottom of it, without the address, which the outer texts repeat."""
    inner = error
    while (deeper := inner.__cause__ or inner.__context__) is not None:
        inner = deeper
    text = inner.strerror if isinstance(inner, OSError) and inner.strerror else ""
    return text or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(inner).__name__).lower()
