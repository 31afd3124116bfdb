"""The inputs: everything that is wrong at once, nothing secret anywhere."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from pathlib import Path

import pytest

from perf_smoke.engines import table
from perf_smoke.inputs import InvalidInputs
from perf_smoke.metrics import DECIDING, METRICS, Metric
from perf_smoke.secret import Secret
from perf_smoke.settings import INPUTS, Settings, parse

TOKEN = "ghs_0123456789secret"


def problems(**values: str) -> dict[str, str]:
    """The sentence for each input that is refused; `_` in names stands for `-`."""
    with pytest.raises(InvalidInputs) as caught:
        parse(dashed(**values))
    return {problem.input: problem.sentence for problem in caught.value.problems}


def dashed(**values: str) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in values.items()}


def settings(**values: str) -> Settings:
    return parse(dashed(**values))


def test_without_any_input_everything_has_its_default() -> None:
    found = parse({})
    assert found.engine == "auto"
    assert (found.prompt, found.tokens, found.seed, found.threads) == ("2+2=", 4, 42, None)
    assert (found.warmup, found.runs, found.budget_s, found.timeout_s) == (1, 0, 30.0, 300.0)
    assert (found.margin, found.alpha) == (0.05, 0.01)
    assert found.working_directory == Path()
    assert found.output_dir is None
    assert not found.recorded


def test_an_empty_input_takes_its_default_as_workflows_pass_unset_inputs() -> None:
    assert parse({row.name: "" for row in INPUTS}) == parse({})


def test_every_row_is_a_field_of_settings_and_the_other_way_round() -> None:
    fields = {field.name for field in dataclasses.fields(Settings)} - {"recorded"}
    assert {row.field for row in INPUTS} == fields
    assert len({row.name for row in INPUTS}) == len(INPUTS)


def test_every_row_helps_with_a_sentence() -> None:
    for row in INPUTS:
        assert row.help.endswith((".", "`.")), row.name


def test_values_are_parsed_into_what_their_names_promise() -> None:
    found = settings(
        tokens=" +16\n",
        threads="3",
        features="cpu, avx512,\ncuda,,",
        command="./bench --model {model} 'two words'",
        model=" tiny.gguf ",
        budget="2 m",
        timeout="1500ms",
        margin="0.1",
        alpha="5 %",
        model_sha256="SHA256:" + "A" * 64,
        output_dir="out dir",
        pr_number="7",
        github_token=f" {TOKEN}\n",
    )
    assert (found.tokens, found.threads, found.pr_number) == (16, 3, 7)
    assert found.features == ("cpu", "avx512", "cuda")
    assert found.command == ("./bench", "--model", "{model}", "two words")
    assert found.model == "tiny.gguf"
    assert (found.budget_s, found.timeout_s) == (120.0, 1.5)
    assert (found.margin, found.alpha) == (0.1, 0.05)
    assert found.model_sha256 == "a" * 64
    assert found.output_dir == Path("out dir")
    assert found.github_token.reveal() == TOKEN
    assert settings(endpoint=" https://host:8080/v1/ ").endpoint == "https://host:8080/v1"


def test_the_prompt_is_kept_to_the_letter() -> None:
    prompt = "  Größe: 日本語 \t\n"
    assert settings(prompt=prompt).prompt == prompt
    assert settings(prompt=prompt).recorded["prompt"] == prompt


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = problems(
        engine="lama",
        tokens="0",
        threads="many",
        seed="-1",
        command="'open",
        endpoint="localhost:8080",
        model_sha256="abc",
        budget="soon",
        timeout="0",
        margin="5",
        alpha="-1%",
        pr_number="x",
        fail_on="always",
        baseline="none",
        base_ref="main",
        colour="blue",
    )
    assert found.keys() == {
        *("engine", "tokens", "threads", "seed", "command", "endpoint", "model-sha256", "budget"),
        *("timeout", "margin", "alpha", "pr-number", "fail-on", "baseline", "colour"),
    }
    assert found["tokens"] == "tokens must be a whole number from 1 to 100000 (it is `0`)."
    for name, sentence in found.items():
        assert sentence.startswith(name)
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("never", ()),
        ("slower", ("slower",)),
        ("error,slower", ("error", "slower")),
        (" slower ,\n error,", ("error", "slower")),
        ("slower error slower", ("error", "slower")),
    ],
)
def test_a_step_may_fail_on_several_things(text: str, asked: tuple[str, ...]) -> None:
    assert settings(fail_on=text).fail_on == asked


def test_never_stands_alone() -> None:
    refused = problems(fail_on="never,slower")["fail-on"]
    assert refused == "fail-on cannot be never and something else (it is `never,slower`)."


def test_an_input_that_takes_one_of_some_words_lists_them() -> None:
    for row in INPUTS:
        try:
            row.parse("such a word there is not")
        except ValueError as error:
            words = re.match(r"must be one of (.*?)(;|$)", str(error))
            missing = (
                [word for word in words[1].split(", ") if word not in row.help] if words else []
            )
            assert missing == [], row.name


@pytest.mark.parametrize("text", ["1e3", "٣", "0x10", "nan", "inf", "1_000", "4.0", "4,", "９"])
def test_only_plain_decimal_digits_are_whole_numbers(text: str) -> None:
    assert "tokens" in problems(tokens=text)


@pytest.mark.parametrize(
    "text", ["1e3", "nan", "inf", "-5", "30 hours", "٣s", ".5s", "1e999 s", "0.09 s", "21601"]
)
def test_only_plain_numbers_with_a_known_unit_are_times(text: str) -> None:
    assert "budget" in problems(budget=text)


@pytest.mark.parametrize("text", ["nan", "inf", "1e-2", "5 percent", "5", "%", "0", "101%"])
def test_only_plain_numbers_in_range_are_fractions(text: str) -> None:
    assert "margin" in problems(margin=text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0.1", 0.1), ("100 ms", 0.1), ("5min", 300.0), ("21600", 21_600.0)]
)
def test_times_may_be_written_in_any_of_their_units(text: str, seconds: float) -> None:
    assert settings(budget=text).budget_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "usual_s", "longest_s"),
    [
        ("30 s", 30.0, 30.0),
        ("30-60 s", 30.0, 60.0),
        ("30-60", 30.0, 60.0),
        ("0.5 - 1 m", 30.0, 60.0),
        ("30 s - 2 min", 30.0, 120.0),
        ("500ms-1s", 0.5, 1.0),
        ("30–60 s", 30.0, 60.0),
        ("30-30 s", 30.0, 30.0),
    ],
)
def test_a_budget_may_become_longer(text: str, usual_s: float, longest_s: float) -> None:
    found = settings(budget=text)
    assert (found.budget_s, found.budget.longest_s) == (usual_s, longest_s)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("60-30 s", "must name the shorter time first"),
        ("30-", "such as `30-60 s`"),
        ("-60 s", "such as `30-60 s`"),
        ("30-60-90 s", "such as `30-60 s`"),
        ("30-99999 s", "from 0.1 s to 21600 s"),
        ("30 h", "such as `30 s`"),
    ],
)
def test_a_budget_that_is_no_time_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        settings(budget=text)
    assert [problem.input for problem in caught.value.problems] == ["budget"]
    assert wrong in caught.value.problems[0].sentence


@pytest.mark.parametrize(
    "text", ["ftp://host", "http://", "http:// host", "host", "http://[::1", "http://host:x"]
)
def test_an_endpoint_is_an_http_address(text: str) -> None:
    assert "endpoint" in problems(endpoint=text)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"engine": "command"}, "command"),
        ({"engine": "embedded", "command": "./x"}, "command"),
        ({"engine": "ollama"}, "endpoint"),
        ({"engine": "openai"}, "endpoint"),
        ({"base-command": "./x"}, "base-command"),
        ({"command": "a", "base-command": "b", "base-binary": "c"}, "base-binary"),
        ({"baseline": "none", "binary": "a", "base-binary": "x"}, "baseline"),
        ({"command": "a", "base-binary": "b"}, "base-binary"),
        ({"engine": "embedded", "binary": "a", "base-binary": "b"}, "base-binary"),
        ({"base-binary": "b"}, "base-binary"),
        ({"endpoint": "http://host", "command": "a"}, "endpoint"),
        ({"endpoint": "http://host", "command": "a", "base-command": "b"}, "endpoint"),
        ({"endpoint": "http://host", "base-ref": "main"}, "base-ref"),
        ({"endpoint": "http://host", "engine": "llama-server", "base-binary": "b"}, "base-binary"),
        ({"endpoint": "http://host", "build": "make"}, "build"),
        ({"endpoint": "http://host", "model-sha256": "a" * 64}, "model-sha256"),
        ({"command": "a", "model-sha256": "a" * 64}, "model-sha256"),
        ({"binary": "llama-bench", "base-command": "b"}, "base-command"),
    ],
)
def test_what_cannot_be_meant_together_is_refused(values: dict[str, str], name: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        parse(values)
    (problem,) = caught.value.problems
    assert problem.input == name
    assert problem.sentence.startswith(name)
    assert problem.sentence.endswith(".")


@pytest.mark.parametrize(
    "values",
    [
        {"binary": "a", "base-binary": "b"},
        {"engine": "llama-bench", "base-binary": "b"},
        {"command": "a", "base-command": "b"},
        {"command": "a", "model": "m", "model-sha256": "a" * 64},
        {"model-sha256": "a" * 64},
        {"endpoint": "http://host", "model": "qwen", "binary": "a"},
    ],
)
def test_what_can_be_meant_together_is_not(values: dict[str, str]) -> None:
    assert parse(values).recorded == values


@pytest.mark.parametrize("engine", table.IDS)
def test_an_endpoint_is_for_the_engines_that_ask_a_server(engine: str) -> None:
    values = {"engine": engine, "endpoint": "http://host"}
    values |= {"command": "a"} if engine == "command" else {}
    if table.row(engine).endpoint != "never":
        assert parse(values).endpoint == "http://host"
        return
    with pytest.raises(InvalidInputs) as caught:
        parse(values)
    (problem,) = caught.value.problems
    assert problem.sentence == (
        f"endpoint is given, but engine `{engine}` asks no server: drop one of the two."
    )


def test_a_prompt_stands_in_one_place() -> None:
    assert parse({"prompt": "2+2=", "prompt-file": "p.txt"}).prompt_file == "p.txt", "the default"
    with pytest.raises(InvalidInputs, match="prompt-file is given with prompt: drop one"):
        parse({"prompt": "3+3=", "prompt-file": "p.txt"})


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("engine", "comand", "command"),
        ("engine", "Llama-Server", "llama-server"),
        ("metric", "decod", "decode"),
        ("comment", "allways", "always"),
        ("fail-on", "slow", "slower"),
        ("baseline", "nome", "none"),
        ("runtime", "dokcer", "docker"),
        ("modle", "m.gguf", "model"),
    ],
)
def test_a_misspelt_word_is_met_with_what_was_perhaps_meant(
    name: str, value: str, meant: str
) -> None:
    with pytest.raises(InvalidInputs) as caught:
        parse({name: value})
    (problem,) = caught.value.problems
    assert f"; perhaps `{meant}` is meant" in problem.sentence


def test_a_word_that_is_like_none_is_not_guessed_at() -> None:
    assert "perhaps" not in problems(engine="zzz")["engine"]
    assert "perhaps" not in problems(colour="blue")["colour"]


def test_the_working_directory_is_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert settings(working_directory=f" {tmp_path} ").working_directory == tmp_path
    for missing in ("nowhere", str(tmp_path / "file"), "x" * 5000):
        sentence = problems(working_directory=missing)["working-directory"]
        assert sentence.startswith("working-directory must be a folder that exists (it is `")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_decides_or_it_is_said_why_it_cannot(metric: Metric) -> None:
    if metric.decides:
        assert settings(metric=metric.name).metric == metric.name
    else:
        sentence = problems(metric=metric.name.replace("_", "-"))["metric"]
        assert sentence.startswith(f"metric cannot be {metric.name}: {metric.why_not} (")


def test_the_metrics_that_decide_are_listed_where_one_is_misspelt() -> None:
    sentence = problems(metric="speed")["metric"]
    assert sentence.startswith(f"metric must be one of auto, {', '.join(DECIDING)} (")


def test_a_misspelt_engine_is_the_only_thing_wrong_with_the_engine() -> None:
    assert problems(engine="comand", command="./bench").keys() == {"engine"}


def test_a_text_that_no_program_could_be_given_is_refused() -> None:
    assert "UTF-8" in problems(prompt="a\0b")["prompt"]
    assert "UTF-8" in problems(label="half a pair \ud83d")["label"]
    assert settings(prompt="a whole pair \U0001f600").prompt.endswith("\U0001f600")


def test_a_refused_value_is_shown_shortened_on_one_line_without_control_characters() -> None:
    shown = problems(engine="x\n\x1b[31m::error::\u202e" + "y" * 500)["engine"]
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown) < 300


def test_a_name_that_is_no_input_is_shown_shortened() -> None:
    with pytest.raises(InvalidInputs) as caught:
        parse({"x" * 500: "1"})
    assert len(str(caught.value)) < 200


def test_the_token_is_nowhere_but_where_it_is_revealed() -> None:
    found = settings(github_token=TOKEN)
    for text in (
        repr(found),
        str(found),
        f"{found.github_token}",
        "%s" % (found.github_token,),  # noqa: UP031 - one more way of printing
        repr(dataclasses.asdict(found)),
        repr(found.recorded),
    ):
        assert TOKEN not in text
    assert "github-token" not in found.recorded


def test_the_token_is_in_no_problem_either() -> None:
    sentences = problems(github_token="bad\0" + TOKEN, tokens="x")
    assert sentences.keys() == {"github-token", "tokens"}
    assert TOKEN not in " ".join(sentences.values())


def test_what_identifies_somebody_in_an_address_is_not_recorded() -> None:
    found = settings(
        model="https://me:pass@host/model.gguf?X-Signature=abc&y=1",
        build="curl https://x-access-token:tok@git.example/a?key=1 -o a && make",
    )
    assert found.model == "https://me:pass@host/model.gguf?X-Signature=abc&y=1"
    assert found.recorded["model"] == "https://***@host/model.gguf?…"
    asked = settings(endpoint="http://user@127.0.0.1:1")
    assert asked.recorded["endpoint"] == "http://***@127.0.0.1:1"
    assert found.recorded["build"] == "curl https://***@git.example/a?… -o a && make"
    assert "pass" not in problems(endpoint="ftp://me:pass@host")["endpoint"]


def test_what_is_given_as_a_secret_is_not_recorded_but_used() -> None:
    found = settings(
        command="./bench --api-key s3cret {tokens} {prompt}",
        base_command="env HF_TOKEN=s3cret ./bench",
        build="curl -H 'Authorization: Bearer s3cret' host && make",
        prompt="token: s3cret",
        metrics="text stdout:\n  token=(?P<n_out>[0-9]+)",
    )
    assert found.command == ("./bench", "--api-key", "s3cret", "{tokens}", "{prompt}")
    assert dict(found.recorded) == {
        "command": "./bench --api-key *** {tokens} {prompt}",
        "base-command": "env HF_TOKEN=*** ./bench",
        "build": "curl -H 'Authorization: ***' host && make",
        "prompt": "token: ***",
        "metrics": "text stdout:\n  token=(?P<n_out>[0-9]+)",
    }
    assert "s3cret" not in problems(engine="x --token s3cret")["engine"]


def test_only_what_differs_from_the_default_is_recorded() -> None:
    assert dict(settings(tokens="4", seed="7").recorded) == {"seed": "7"}


def test_a_secret_is_an_ordinary_value_otherwise() -> None:
    assert Secret("a") == copy.deepcopy(Secret("a")) == pickle.loads(pickle.dumps(Secret("a")))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse({}).tokens = 5  # type: ignore[misc]  # that it cannot is what is tested
