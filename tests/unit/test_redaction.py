"""What of an input is published: nothing that is called a secret, and everything else as it was."""

from __future__ import annotations

import pytest

from perf_smoke.redaction import public

SECRET = "s3cr3t-V@lue.42/x+y="


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
    ],
)
def test_what_is_called_a_secret_is_left_out(text: str, published: str) -> None:
    secret = "s3cr3t" if "@host" in text else SECRET
    assert public(text.format(secret)) == published.format()


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
        "",
    ],
)
def test_what_only_looks_a_little_like_one_stays(text: str) -> None:
    assert public(text) == text


def test_users_and_passwords_of_addresses_are_hidden() -> None:
    text = "fatal: https://me:tok@host/a and git://you@host, mail me@host"
    assert public(text) == "fatal: https://***@host/a and git://***@host, mail me@host"
