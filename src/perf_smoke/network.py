"""The way to the network: certificates and proxies of the environment, what needs none, and where
none leads."""

from __future__ import annotations

import ipaddress
import socket
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

_METADATA = ("metadata", "metadata.google.internal", "metadata.goog", "instance-data")
_METADATA_ADDRESSES = ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
"""Where clouds (Alibaba, Azure, Oracle, AWS) answer their machines besides the link-local ones."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


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
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    return {parts.scheme: proxy} if proxy else {}


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_machines_own(host: str) -> bool:
    """Whether only the machine's own link, or the cloud that it runs in, answers at this name or
    address (169.254.169.254, fe80::1, metadata.google.internal), however it is written."""
    name = host.strip("[]").rstrip(".").lower()
    if name in _METADATA or name.endswith(".ec2.internal"):
        return True
    address = _address(name.partition("%")[0])
    return address is not None and (
        address.is_link_local or any(address == _address(own) for own in _METADATA_ADDRESSES)
    )


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text is; of an IPv4 address inside an IPv6 one, that. None for a name."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        try:  # as C and so every client reads it: 2852039166, 0xa9fea9fe, 169.254.43518
            return ipaddress.IPv4Address(socket.inet_aton(text))
        except (OSError, ValueError):
            return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
