"""Which proxy is used for which address, and what needs none."""

from __future__ import annotations

import pytest

from perf_smoke.network import is_loopback, proxies_for

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


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost", True),
        ("http://user@[::1]:1", True),
        ("http://127.1.2.3", True),
        ("http://10.0.0.1", False),
        ("https://localhost.example.org", False),
        ("nonsense", False),
    ],
)
def test_what_is_on_this_machine_is_known_by_its_address(url: str, here: bool) -> None:
    assert is_loopback(url) == here
