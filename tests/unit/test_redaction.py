"""What leaves of a text of others: no secret of any known form, and everything else as it was."""

from __future__ import annotations

import base64
import re
import time
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf_smoke.redaction import PublicLines, knowing, public, published
from perf_smoke.result import Failure, Result, Series
from tests.unit.report import runs
from tests.unit.secret_forms import FORMS, KEYS, LISTED, NAMES, SECRET, SHAPED, all_texts

HARMLESS = (Path(__file__).parent / "harmless_lines.txt").read_text("utf-8").splitlines()
ODD = "s3cr3t-V@lue.42/x+y="


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("./bench --api-key {} -n 4", "./bench --api-key *** -n 4"),
        ("./bench --api-key={} -n 4", "./bench --api-key=*** -n 4"),
        ("./bench --API_KEY '{}'", "./bench --API_KEY ***"),
        ('./bench --hf-token "{} and more" -n 4', "./bench --hf-token *** -n 4"),
        ("./bench -token {}", "./bench -token ***"),
        ("./bench --client-secret\t{}", "./bench --client-secret\t***"),
        ("./bench --db-password={}", "./bench --db-password=***"),
        ("./bench --token \\\n  {} \\\n  -n 4", "./bench --token \\\n  *** \\\n  -n 4"),
        ("sh -c './bench --token {}' x", "sh -c './bench --token ***' x"),
        ("sh -c \"./bench --token '{}'\"", 'sh -c "./bench --token ***"'),
        ("curl -H 'Authorization: Bearer {}' host", "curl -H 'Authorization: ***' host"),
        ('curl -H "authorization: {}" host', 'curl -H "authorization: ***" host'),
        ("curl --oauth2-bearer {} -n", "curl --oauth2-bearer *** -n"),
        ("curl -H 'X-Api-Key: {}' host", "curl -H 'X-Api-Key: ***' host"),
        ("curl -H PRIVATE-TOKEN:{} host", "curl -H PRIVATE-TOKEN:*** host"),
        ("""curl -d '{{"password": "{}", "n": 4}}'""", """curl -d '{{"password": *** "n": 4}}'"""),
        ("export HF_TOKEN={}\nmake", "export HF_TOKEN=***\nmake"),
        ("SIGNING_KEY='{}' make", "SIGNING_KEY=*** make"),
        ("env AWS_SECRET_ACCESS_KEY={} make", "env AWS_SECRET_ACCESS_KEY=*** make"),
        (r'./bench --password "a\"{}" -n 4', "./bench --password *** -n 4"),
        ("./bench --token abc'{}' -n 4", "./bench --token *** -n 4"),
        ("./bench --token $'{}' -n 4", "./bench --token *** -n 4"),
        ("./bench --authorization={} -n 4", "./bench --authorization=*** -n 4"),
        ("git clone https://me:{}@host/a", "git clone https://***@host/a"),
        ("curl -u me:{} host", "curl -u me:*** host"),
        ("docker login -u me -p {} host", "docker login -u me -p *** host"),
        ("a: 1\npassword: {} and more\nb: 2", "a: 1\npassword: ***\nb: 2"),
        ("a:\n  key_pass: |\n    {}\n    x\n  b: 2", "a:\n  key_pass: ***  b: 2"),
        ("<a><token>{}</token></a>", "<a><token>***</token></a>"),
        ("get https://h/p?a={} now", "get https://h/p?… now"),
        ("machine h login me password {}\n", "machine h login me password ***\n"),
    ],
)
def test_of_what_holds_a_secret_the_rest_stays(text: str, published: str) -> None:
    secret = "s3cr3t" if "@host" in text else ODD
    assert public(text.format(secret)) == published.format()


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_an_assignment_shows_the_secret(form: str) -> None:
    for secret in (
        SECRET,
        "hunter2",
        "0123456789abcdef",
        "ABCDEFGH",
        "$ecret1",
        "a.b,c;d",
        "x{y}z",
    ):
        texts = [FORMS[form].format(name=name, secret=secret) for name in NAMES]
        assert [text for text in texts if secret in public(text)] == []


def test_the_forms_are_many_and_none_of_them_shows_its_secret() -> None:
    texts = all_texts()
    assert len(texts) >= 1000
    assert [text for text, secret in texts if secret in public(text)] == []


@pytest.mark.parametrize("form", LISTED)
def test_no_order_header_or_address_shows_it(form: str) -> None:
    assert SECRET not in public(form.format(SECRET))


@pytest.mark.parametrize("token", SHAPED)
def test_a_token_is_known_by_its_looks_wherever_it_stands(token: str) -> None:
    assert public(f"it says {token}, and ends") == "it says ***, and ends"
    for text in (f'"{token}"', f"a\\n{token}\\nb", f"<{token}>", f"x={token}", f"({token})", token):
        assert token not in public(text)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("cut", ["", "its end", "its beginning"])
def test_of_a_private_key_nothing_stays_also_where_it_is_cut_off(key: str, cut: str) -> None:
    part = {"": key, "its end": key[: len(key) // 2], "its beginning": key[len(key) // 2 :]}[cut]
    lines = public(f"before it\n{part}")
    assert lines == "before it\n***"
    in_json = public(f'{{"a": 1, "key": "{part}"}}'.replace("\n", "\\n"))
    assert cut == "its beginning" or "aB3dE5" not in in_json


@pytest.mark.parametrize("key", KEYS)
def test_of_a_key_that_comes_a_line_at_a_time_nothing_stays(key: str) -> None:
    gate = PublicLines()
    lines = [gate.public(line) for line in ("before", *key.split("\n"), "after --token x", "end")]
    hidden = ["***"] * (len(key.split("\n")))
    assert lines == ["before", *hidden, "after --token ***", "end"]


def test_a_key_without_an_end_hides_no_log_for_ever() -> None:
    gate = PublicLines()
    lines = [gate.public("-----BEGIN PRIVATE KEY-----"), *map(gate.public, ["x"] * 400)]
    assert lines[:2] == ["***", "***"]
    assert lines[-1] == "x"


def test_what_engines_builds_and_installers_print_stays_as_it_is() -> None:
    assert len(HARMLESS) >= 300
    assert [(line, public(line)) for line in HARMLESS if public(line) != line] == []
    text = "\n".join(HARMLESS)
    assert public(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "./bench --tokens 64 --max-new-tokens={tokens} --n-token-count 3 -n 4",
        "./bench --tokenizer tokenizer.json --eos-token 2 --bos-token=1",
        "./bench --token {tokens} --secret={prompt}",
        "llama-cli --override-kv tokenizer.ggml.add_bos_token=bool:false --add-bos-token true",
        "cmake -B build -DUSE_TOKEN=ON; ./bench --n-token 4 --authorization=none --threads 4",
        "sh -c 'bench --token {tokens}'",
        "./bench --no-token --fast",
        "cmake -B build -DKEY=1 && cmake --build build -j --target llama-completion",
        "cache_key=v1; sort --key=2 keys.txt --password-stdin <file",
        "make tokens secrets passwords",
        "text stderr:\n  token=(?P<n_out>[0-9]+)",
        "",
    ],
)
def test_what_only_looks_a_little_like_one_stays(text: str) -> None:
    assert public(text) == text


def test_users_and_passwords_of_addresses_are_hidden() -> None:
    text = "fatal: https://me:tok@host/a and git://you@host, mail me@host"
    assert public(text) == "fatal: https://***@host/a and git://***@host, mail me@host"


VALUE = 'v4l+e/of "it"?'
FORMS_OF_VALUE = {
    "plain": VALUE,
    "in JSON": VALUE.replace('"', '\\"'),
    "in an address": quote(VALUE, safe=""),
    "in base64": base64.b64encode(VALUE.encode()).decode(),
    "in a login": base64.b64encode(f"me:{VALUE}".encode()).decode(),
    "in a longer login": base64.b64encode(f"you:{VALUE}\n".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS_OF_VALUE)
def test_a_value_of_the_environment_is_known_wherever_it_stands(form: str) -> None:
    text = FORMS_OF_VALUE[form]
    assert text in public(f"line {text} of a log")
    with knowing({"HUB_TOKEN": VALUE, "HOME": "/root"}):
        shown = public(f"line {text} of a log")
    assert "***" in shown
    assert text[4:-6] not in shown
    assert text in public(f"line {text} of a log"), "it is forgotten again"


def test_short_values_paths_and_variables_of_another_name_are_not_looked_for() -> None:
    text = "short12 is in /home/runner/work with a-long-value and n0t-s0-secret"
    with knowing(
        {
            "A_TOKEN": "short12",
            "PWD": "/home/runner/work",
            "NAME": "a-long-value",
            "TOKENIZER": "n0t-s0-secret",
        }
    ):
        assert public(text) == text


def test_each_line_of_a_value_and_the_passwords_of_addresses_are_looked_for() -> None:
    with knowing({"DEPLOY_KEY": "first-line\nsecond-line\n", "INDEX": "https://me:p4ssw0rd@h/s"}):
        assert public("a second-line b p4ssw0rd c first-line") == "a *** b *** c ***"


def strings(tree: Any, place: str = "") -> list[tuple[str, str]]:
    """Each text of a document, with its place."""
    if isinstance(tree, str):
        return [(place, tree)]
    if is_dataclass(tree):
        parts = {field.name: getattr(tree, field.name) for field in fields(tree)}
        return strings(parts, place)
    if isinstance(tree, dict):
        return [each for key, part in tree.items() for each in strings(part, f"{place}/{key}")]
    if isinstance(tree, tuple):
        return [each for part in tree for each in strings(part, f"{place}/*")]
    return []


def planted(tree: Any, text: str) -> Any:
    """The document with this text in the place of each text of it."""
    if isinstance(tree, str):
        return text
    if is_dataclass(tree) and not isinstance(tree, type):
        parts = {field.name: planted(getattr(tree, field.name), text) for field in fields(tree)}
        return replace(tree, **parts)
    if isinstance(tree, dict):
        return {key: planted(part, text) for key, part in tree.items()}
    return tuple(planted(part, text) for part in tree) if isinstance(tree, tuple) else tree


def document() -> Result:
    failure = Failure(reason="build-failed", sentence="s", tail="t")
    return replace(
        runs.two(pairs=12, slower_by=0.5),
        failure=failure,
        lost_bases={"base": failure},
        series=Series(key="0123456789abcdef", parts={"label": "x"}),
        settings={"label": "x"},
        notes=("a note",),
    )


ONE_OF_A_FEW = re.compile(r"\W(status|origin|reason|process|passed|stopped|error|tier|verdict)\b")
"""Fields whose words are given: a document with another one is refused."""


def test_no_place_of_a_document_is_forgotten() -> None:
    whole = published(planted(document(), f"run --api-key {SECRET} ghp_abc"))
    texts = [each for each in strings(whole) if not ONE_OF_A_FEW.search(each[0])]
    assert len({place for place, _ in texts}) > 40
    assert {text for _, text in texts} == {"run --api-key *** ***"}


def test_in_keys_hashes_and_numbers_no_value_is_looked_for() -> None:
    sha256 = "0123456789abcdef" * 4
    side = document().sides["head"]
    assert side.engine
    result = replace(
        document(),
        sides={
            "head": replace(
                side, commit=sha256[:40], engine=replace(side.engine, binary_sha256=sha256)
            )
        },
        notes=("cdef0123 was seen in measured",),
    )
    with knowing({"A_TOKEN": "cdef0123", "B_TOKEN": "measured", "C_TOKEN": "89abcdef"}):
        found = published(result)
    assert found.notes == ("*** was seen in ***",)
    assert found.status == "measured"
    assert found.series == result.series
    assert found.sides == result.sides
    assert found.comparisons == result.comparisons


def test_a_document_without_secrets_stays_as_it_is() -> None:
    for name, result in runs.every().items():
        assert published(result) == result, name


HOSTILE = (
    *("http://", "a=a=a=", '"', "'", "--token ", "\\", 'token="', 'token=\\"', "://", "a://b:c"),
    *("basic ", "Bearer ", "eyJ", "eyJa-", "eyJa.", "-", "_", ".", "x", "a.", "password: |\n  x\n"),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "<password>",
        "token [",
        "token=[",
    ),
    *("login a ", "docker login -p ", "mysql -p ", "-u a:", "API key ", "ghp_a.", "pypi-", "AKIA"),
    *(
        "authorization: ",
        "\ntoken: ",
        " ",
        "ENV ",
        "--token\n",
        '"--token", ',
        "token='x\" ",
        "://a@",
    ),
    *("name:token\n", "***", "AAAA\n", "http://a?", "jdbc:oracle:thin:", "token:[a", "\x00", "ü"),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_time_grows_with_the_length_of_the_text_and_no_faster(piece: str) -> None:
    with knowing({"HUB_TOKEN": "v4lue-of-it"}):
        times_s = [cpu_s(piece, length) for length in (10_000, 80_000)]
    assert times_s[1] < 2.0
    assert times_s[1] < 8 * 4 * max(times_s[0], 0.002)


def cpu_s(piece: str, length: int) -> float:
    text = (piece * length)[:length]
    started_s = time.process_time()
    public(text)
    return time.process_time() - started_s


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            [
                *(
                    "token",
                    "--api-key",
                    "password",
                    "=",
                    ": ",
                    " ",
                    "\n",
                    '"',
                    "'",
                    "\\",
                    "://",
                    "@",
                ),
                *(
                    "a",
                    "ghp_x1",
                    "Bearer",
                    "-u",
                    "me:",
                    "?",
                    "***",
                    "[",
                    "{",
                    "}",
                    ",",
                    "<",
                    ">",
                    "|",
                ),
                *("authorization", "-----BEGIN PRIVATE KEY-----", "AAAA", "…", "é", "1", "value"),
            ]
        ),
        max_size=14,
    ).map("".join)
)
def test_what_may_leave_may_leave_once_more(text: str) -> None:
    assert public(public(text)) == public(text)
