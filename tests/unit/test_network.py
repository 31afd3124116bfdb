"""Which proxy is used for which address."""

from __future__ import annotations

import pytest

from perf_smoke.network import proxies_for

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("url", "environment", "proxied"),
    [
        ("https://host/m", {}, False),
        ("https://host/m", {"HTTPS_PROXY": PROXY}, True),
        ("https://host/m", {"https_proxy": PROXY}, True),
        ("https://host/m", {"http_proxy": PROXY}, False),
        ("https://host/m", {"ALL_PROXY": PROXY}, True),
        ("https://host/m", {"https_proxy": PROXY, "NO_PROXY": "host"}, False),
        ("https://u:p@host:1/m", {"https_proxy": PROXY, "NO_PROXY": "other, host:1"}, False),
        ("https://a.example.org/m", {"https_proxy": PROXY, "no_proxy": ".example.org"}, False),
        ("https://example.com/m", {"https_proxy": PROXY, "no_proxy": "*"}, False),
        ("https://example.com/m", {"https_proxy": PROXY, "no_proxy": "ample.com"}, True),
    ],
)
def test_the_proxy_of_the_environment_is_found(
    url: str, environment: dict[str, str], proxied: bool
) -> None:
    assert proxies_for(url, environment) == ({"https": PROXY} if proxied else {})
