"""The way to the network: certificates and proxies of the environment, and what needs none."""

from __future__ import annotations

import ipaddress
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit


def ca_bundle(environment: Mapping[str, str]) -> str:
    """The job's own file of certificates to trust; empty: the usual ones."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    return next((environment[name] for name in names if environment.get(name)), "")


def proxies_for(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The proxy for one address, as curl and pip find it: lower case first, NO_PROXY obeyed."""
    parts = urlsplit(url)

    def variable(name: str) -> str:
        return environment.get(name) or environment.get(name.upper()) or ""

    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined] # no stub has it
    if bypass(parts.netloc.rpartition("@")[2], {"no": variable("no_proxy")}):
        return {}
    proxy = variable(f"{parts.scheme}_proxy") or variable("all_proxy")
    return {parts.scheme: proxy} if proxy else {}


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
