"""How files are asked for over HTTP: through the job's proxies, with its certificates, and
never in the clear unless that cannot matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from perf_smoke import __version__
from perf_smoke.network import ca_bundle, is_loopback, proxies_for
from perf_smoke.result import Unmeasured

_MOST_REDIRECTS = 10


def session(environment: Mapping[str, str], *, pinned: bool) -> requests.Session:
    """A session that knows only what it is given: no netrc, no token, no ambient proxy.

    A user and password inside the address are sent to its host alone: requests drops them when
    a redirect leads to another host, port or scheme.

    Args:
        environment: `*_PROXY`, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE.
        pinned: the content is checked against a known sha256, so plain http does no harm.
    """
    client = requests.Session()
    client.trust_env = False
    client.max_redirects = _MOST_REDIRECTS
    client.headers["User-Agent"] = f"perf-smoke-action/{__version__}"
    # A compressed transfer could be neither resumed nor compared with its announced length.
    client.headers["Accept-Encoding"] = "identity"
    client.verify = ca_bundle(environment) or True
    adapter = _Careful(environment, pinned)
    client.mount("https://", adapter)
    client.mount("http://", adapter)
    return client


class _Careful(HTTPAdapter):
    """Sees every hop, redirects included."""

    def __init__(self, environment: Mapping[str, str], pinned: bool) -> None:
        super().__init__()
        self._environment = environment
        self._pinned = pinned

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 — decided here for each hop
    ) -> requests.Response:
        url = request.url or ""
        if not self._pinned:
            _refuse_plain_http(url)
        return super().send(
            request, stream, timeout, verify, cert, proxies_for(url, self._environment)
        )


def _refuse_plain_http(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or is_loopback(url):
        return
    raise Unmeasured(
        "model-insecure",
        f"The model would come from {parts.hostname or ''} over plain http, where anyone on the "
        "way could change it: use https, or give model-sha256.",
    )
