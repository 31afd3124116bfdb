"""The real BitNet.rs, built by cargo on both sides: with a change that slows it down, and without.

What is measured is what examples/bitnet-rs.yml asks for, with a tiny model of our own. The checkout
is only read: its files are copied, and the slow-down is made in the copy.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from perf_smoke import result_file
from perf_smoke.result import BASE, HEAD, Result
from tests import results, tiny_model
from tests.integration.engines import real_bitnet_rs

ROOT = Path(__file__).parents[3]
TOKENS = 4
SLOWER_MS = 3
"""What each forward pass takes longer; by itself it takes 2 to 3 ms."""
BODY_OF_FORWARD = re.compile(
    r"impl Model for BitNetModel \{.*?fn forward\(.*?\) -> Result<ConcreteTensor> \{\n", re.DOTALL
)
"""Where `bitnet run` calls the model, once for each token."""
BUSY = (
    "let begun = std::time::Instant::now();\n"
    f"while begun.elapsed().as_millis() < {SLOWER_MS} {{}}\n"
)

pytestmark = list(real_bitnet_rs.MARKS)


class Repository:
    """A copy of the checkout, with one commit for each of the questions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = subprocess.run(
            ["git", "-C", real_bitnet_rs.CHECKOUT, "ls-files", "-z"],
            capture_output=True,
            check=True,
        )
        for name in os.fsdecode(names.stdout).split("\0"):
            source, target = Path(real_bitnet_rs.CHECKOUT, name), folder / name
            if name and source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("all")
        self.git("checkout", "--quiet", "-b", "slow")
        self.slow_down()
        self.commit("a busy wait in each forward pass")
        self.git("checkout", "--quiet", "-b", "same", "main")
        (folder / "README.md").write_text("Only words changed.\n")
        self.commit("words")

    def git(self, *arguments: str) -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
        subprocess.run(["git", *author, *arguments], cwd=self.folder, check=True)

    def commit(self, message: str) -> None:
        """By force: a lock file is tracked, although .gitignore may name it."""
        self.git("add", "--all", "--force", "--", ".")
        self.git("commit", "--quiet", "--message", message)

    def slow_down(self) -> None:
        """A text patch: what a slower kernel would do to each token."""
        for path in sorted(self.folder.glob("crates/*/src/*.rs")):
            text = path.read_text("utf-8")
            if found := BODY_OF_FORWARD.search(text):
                path.write_text(text[: found.end()] + BUSY + text[found.end() :], "utf-8")
                return
        pytest.fail("there is no BitNetModel::forward here: where does this version compute?")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("bitnet-rs") / "checkout")


def measured(repository: Repository, head: str, folder: Path) -> Result:
    """What the example's step finds in a pull request of that branch."""
    repository.git("checkout", "--quiet", head)
    model = folder / "tiny.gguf"
    tiny_model.write(model, "i2_s")
    inputs = {
        **example(),
        "model": str(model),
        "tokenizer": str(folder / "tokenizer.json"),
        "tokens": str(TOKENS),
        "base-ref": "main",
        "budget": "120 s",
        "output-dir": str(folder / "out"),
    }
    options = [word for name, value in inputs.items() for word in (f"--{name}", value)]
    subprocess.run(
        [sys.executable, "-m", "perf_smoke", "run", *options],
        cwd=repository.folder,
        env={**os.environ, "CARGO_TARGET_DIR": str(real_bitnet_rs.TARGET)},
        check=True,
    )
    return result_file.read(folder / "out" / "result.json")


def example() -> dict[str, str]:
    """The inputs in examples/bitnet-rs.yml."""
    workflow = yaml.safe_load((ROOT / "examples" / "bitnet-rs.yml").read_text())
    (job,) = workflow["jobs"].values()
    (inputs,) = [step["with"] for step in job["steps"] if "perf-smoke-action" in step["uses"]]
    return {name: str(value) for name, value in inputs.items()}


@pytest.mark.parametrize(
    ("head", "slower"), [("slow", True), ("same", False)], ids=["slower", "not slower"]
)
def test_the_verdict_on_the_real_engine(
    repository: Repository, head: str, slower: bool, tmp_path: Path
) -> None:
    result = measured(repository, head, tmp_path)

    assert result.status == "measured", result.failure
    assert not result.lost_bases
    comparison = results.comparison(result)
    assert (comparison.verdict == "slower") is slower, comparison
    for side in (HEAD, BASE):
        engine = results.engine(result, side)
        assert engine.id == "bitnet-rs"
        assert engine.version.startswith("bitnet ")
        assert Path(engine.binary).name == "bitnet"
        assert set(results.of(result, side).summary) >= {"ttft_ms", "decode_tps", "e2e_ms"}
        assert results.of(result, side).tokens == TOKENS
        assert results.output(result, side).stable
    assert results.output(result).text == results.output(result, BASE).text != ""
    programs = {results.engine(result, side).binary_sha256 for side in (HEAD, BASE)}
    assert len(programs) == (2 if slower else len(programs))
    assert result.cost.build_s > 0
