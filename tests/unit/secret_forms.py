"""The forms in which a secret is printed: most are made of a name, a sign, quotes and a place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

SECRET = "s3cr3t-V4lue.42x"

NAMES = (
    *(
        "password",
        "passwd",
        "db_password",
        "dbPassword",
        "PGPASSWORD",
        "MYSQL_PWD",
        "smtp-password",
    ),
    *(
        "token",
        "HF_TOKEN",
        "access_token",
        "refreshToken",
        "X-Vault-Token",
        "id-token",
        "authtoken",
    ),
    *(
        "secret",
        "client_secret",
        "clientSecret",
        "AWS_SECRET_ACCESS_KEY",
        "secretKey",
        "shared-secret",
    ),
    *("api_key", "apiKey", "apikey", "X-Api-Key", "OPENAI_API_KEY", "api-key"),
    *("private-key", "privateKey", "signing_key", "AccountKey", "X-Auth-Key", "encryptionKey"),
    *("GH_PAT", "DB_PASS", "passphrase", "credentials", "spring.datasource.password", "TOKEN_2"),
)
FORMS = {
    "option": "run --{name} {secret} -n 4",
    "option, tied": "run --{name}={secret} -n 4",
    "option, in quotes": "run --{name} '{secret} and more' -n 4",
    "option, on the next line": "run --{name} \\\n    {secret} \\\n    -n 4",
    "list of arguments": '["run", "--{name}", "{secret}", "-n", "4"]',
    "list of Python": "['run', '--{name}', '{secret}']",
    "list of YAML": "args:\n  - --{name}\n  - {secret}\n",
    "variable": "{name}={secret} make -j4",
    "export": 'export {name}="{secret}"',
    "declare": "declare -x {name}='{secret}'",
    "set by PowerShell": '$env:{name} = "{secret}"',
    "Dockerfile": "ENV {name} {secret}",
    "INI": "[server]\n{name} = {secret} and more\n",
    "TOML": 'host = "h"\n{name} = "{secret}"\n',
    "YAML": "server:\n  {name}: {secret}\n  n: 4\n",
    "YAML with spaces": "server:\n  {name}: correct horse {secret}\n  n: 4\n",
    "YAML in quotes": "  {name}: '{secret}'\n",
    "YAML block": "  {name}: |\n    {secret}\n    {secret}\n  n: 4\n",
    "JSON": '{{"n": 4, "{name}": "{secret}"}}',
    "JSON, packed": '{{"{name}":"{secret}","n":4}}',
    "JSON, in a text": '{{"error": "bad: {{\\"{name}\\": \\"{secret} and more\\"}}"}}',
    "JSON, twice in a text": '"{{\\\\\\"{name}\\\\\\": \\\\\\"{secret}\\\\\\"}}"',
    "dict of Python": "ValueError: {{'{name}': '{secret}', 'n': 4}}",
    "repr of Python": "Config(host='h', {name}='{secret}', n=4)",
    "struct of Go": "config: {{Host:h {name}:{secret} N:4}}",
    "hash of Ruby": ":{name} => '{secret}', :n => 4",
    "header": "> {name}: {secret}\n> Accept: */*",
    "header of curl": "curl -H '{name}: {secret}' host",
    "XML": "<config><{name}>{secret}</{name}></config>",
    "attribute of XML": '<server host="h" {name}="{secret}"/>',
    "query": "GET /v1/models?{name}={secret}&n=4 HTTP/1.1",
    "form": "grant_type=x&n=4&{name}={secret}",
    "connection string": "Server=h;User=u;{name}={secret};Timeout=4",
    "pair of YAML": "env:\n  - name: {name}\n    value: {secret}\n",
    "pair of JSON": '[{{"name":"{name}","value":"{secret}"}}]',
    "prose": "refused: {name} = {secret}, try again",
    "cut off": 'last words {name}="{secret} and',
}
LISTED = (
    *("--pat {}", "curl -u user:{} host", "curl --user user:{} host", "curl --user=user:{} host"),
    *("curl -u 'user:{}' host", "wget --proxy-user=u:{}", '["curl", "-u", "user:{}"]'),
    *("docker login -u user -p {} ghcr.io", "podman login ghcr.io -p {}", "sshpass -p {} ssh h"),
    *("sshpass -p{} ssh h", "mysql -h h -uroot -p{} db", "redis-cli -h h -a {} ping"),
    *(
        "openssl enc -aes-256-cbc -pass pass:{}",
        "twine upload -u __token__ -p {}",
        "7z x -p{} a.7z",
    ),
    *("machine h login u password {}", "machine h\n  login u\n  password {}\n", "setenv TOKEN {}"),
    *("Authorization: Bearer {}", "Authorization: token {}", "authorization: Basic {}"),
    *(
        "Proxy-Authorization: Digest username=u, response={}",
        'headers={{"Authorization": "Bearer {}"}}',
    ),
    *("--header 'Authorization: Bearer {}'", "AUTHORIZATION={}", "the header was Bearer {}"),
    *("Cookie: a=b; session={}", "Set-Cookie: id={}; HttpOnly", "'cookie': 'id={}'"),
    *("https://user:{}@host/a", "postgres://u:{}@h/db", "postgresql+asyncpg://u:{}@h:5432/db"),
    *("redis://:{}@h:6379/0", "mongodb+srv://u:{}@h/db", "amqps://u:{}@h/%2f", "ssh://{}@h/r.git"),
    *("https://h/p?sig={}", "https://h/p?a=b&X-Amz-Signature={}&c=d", "SharedAccessSignature={}"),
    *("AccountName=a;AccountKey={};EndpointSuffix=core.windows.net", "&X-Amz-Signature={}&n=4"),
    *(
        "//registry.example/:_authToken={}",
        "_auth={}",
        "API key: {}",
        "Private Key = {}",
        "jwt={}",
    ),
    *('machine.set("token", token="{}")', "password -> {}", 'os.environ["API_TOKEN"] = "{}"'),
    *("https://hooks.slack.com/services/T0/B0/{}", "https://discord.com/api/webhooks/1/{}"),
    *("https://api.telegram.org/bot1:{}/send", "jdbc:oracle:thin:scott/{}@h:1521/x"),
    *(
        "user[password]={}",
        "SECRET_KEY_BASE={}",
        "API_KEY_PROD={}",
        "password:={}",
        "pass={} user=u",
    ),
    *("aws configure set aws_secret_access_key {}", "set -gx HF_TOKEN {}", "next=%2F&token%3D{}"),
    *("curl -b 'session={}' host", "gh secret set HF_TOKEN {}"),
    *("-storepass {}", "-Dtoken={}", "-Pmy.secret={}", "--build-arg NPM_TOKEN={}", "pwd={};"),
)
LETTERS = "aB3dE5gH7jK9mN1pQ2sT4vW6xY8zA0cD2fG4hJ6"
SHAPED = (
    *(f"gh{kind}_{LETTERS}" for kind in "pousr"),
    *("ghs_1234_eyJhbGciOi.eyJpc3Mi.c2ln", "ghp_x1", f"github_pat_11AAAA_{LETTERS}"),
    *(f"hf_{LETTERS[:34]}", f"sk-{LETTERS}", f"sk-proj-{LETTERS}_a-b", f"sk-ant-api03-{LETTERS}"),
    *(f"xoxb-1-2-{LETTERS}", f"xoxp-{LETTERS}", f"glpat-{LETTERS[:20]}", f"npm_{LETTERS[:36]}"),
    *(f"pypi-AgEIcHlwaS5vcmc{LETTERS}", f"AIza{LETTERS[:35]}", "AKIAIOSFODNN7EXAMPLE"),
    *(f"AKIAIOSFODNN7EXAMPLE:{LETTERS}a", "ASIAIOSFODNN7EXAMPLE", f"hvs.{LETTERS}"),
    *(f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{LETTERS}", "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQ"),
    *(
        f"dckr_pat_{LETTERS}",
        f"sk_live_{LETTERS}",
        f"SG.{LETTERS[:22]}.{LETTERS}",
        f"gsk_{LETTERS}",
    ),
    *(f"ya29.{LETTERS}", f"$2b$12${LETTERS}", f"$6$rounds=5000$salt${LETTERS}"),
    f"123456789:AA{LETTERS}",
)
_BASE64 = "\n".join((LETTERS * 2)[start : start + 64] for start in range(12)) + "\nAb3/+w=="
KEYS = tuple(
    f"-----BEGIN {kind}PRIVATE KEY-----\n{_BASE64}\n-----END {kind}PRIVATE KEY-----"
    for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ")
)


def assigned() -> Iterator[tuple[str, str]]:
    """Which name in which form, and the text."""
    for name, form in itertools.product(NAMES, FORMS):
        yield f"{name}, {form}", FORMS[form].format(name=name, secret=SECRET)


def all_texts() -> list[tuple[str, str]]:
    """A text, and the secret in it."""
    texts = [(text, SECRET) for _, text in assigned()]
    texts += [(form.format(SECRET), SECRET) for form in LISTED]
    return texts + [(f"it says {token}, and ends", token) for token in SHAPED]
