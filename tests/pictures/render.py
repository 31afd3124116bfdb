"""How does a report look to its reader? With GitHub's stylesheet, in a headless Chromium."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME
from rich.text import Text

from tests.npm import installed
from tests.pictures.readme import Theme

_SCALE = 2
"""Pixels of the picture for one of the page."""
_HERE = Path(__file__).parent
_PAGE = Template((_HERE / "page.html").read_text("utf-8"))
_COLOURS: dict[Theme, dict[str, str]] = {
    "light": {
        "paper": "#ffffff",
        "line": "#d1d9e0",
        "shade": "#f6f8fa",
        "pale": "#59636e",
        "ink": "#1f2328",
        "mermaid": "default",
    },
    "dark": {
        "paper": "#0d1117",
        "line": "#3d444d",
        "shade": "#151b23",
        "pale": "#9198a1",
        "ink": "#f0f6fc",
        "mermaid": "dark",
    },
}


def report(markdown: str, theme: Theme, *, title: str = "", unfolded: str = "") -> str:
    """A page with a report as GitHub shows it.

    Args:
        title: HTML, for a line above it, as that of a comment.
        unfolded: what is shown as after a click on it.
    """
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    body = re.sub(
        r'<pre><code class="language-mermaid">(.*?)</code></pre>',
        r'<pre class="mermaid">\1</pre>',
        body,
        flags=re.DOTALL,
    )
    if unfolded:
        folded = f"<details><summary>{unfolded}</summary>"
        body = body.replace(folded, folded.replace("<details>", "<details open>"))
    modules = installed(_HERE, "pictures")
    charts = (modules / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js").as_uri()
    header = f"<header>{title}</header>" if title else ""
    return _PAGE.substitute(
        _COLOURS[theme],
        css=(modules / "github-markdown-css" / f"github-markdown-{theme}.css").read_text("utf-8"),
        body=f'{header}<article class="markdown-body">{body}</article>',
        charts=f'<script src="{charts}"></script>' if 'class="mermaid"' in body else "",
    )


def terminal(command: str, printed: str, theme: Theme, *, columns: int) -> str:
    """A page with what a command left on a terminal.

    Args:
        printed: with its colours, as ANSI has them.
    """
    recorder = Console(record=True, file=io.StringIO(), width=columns, force_terminal=True)
    recorder.print(Text.assemble("$ ", (command, "bold")))
    recorder.print(Text.from_ansi(printed.rstrip("\n")))
    colours = DEFAULT_TERMINAL_THEME if theme == "light" else SVG_EXPORT_THEME
    code = recorder.export_html(
        theme=colours, inline_styles=True, code_format="<pre class=terminal>{code}</pre>"
    )
    return _PAGE.substitute(_COLOURS[theme], css="", body=code, charts="")


def picture(page: str, width: int, path: Path) -> None:
    """Take a picture of a page in all its height.

    Args:
        width: of the page.
        path: of the PNG. Beside it lies the page until it is done.
    """
    source = path.with_suffix(".html")
    source.write_text(page, "utf-8")
    try:
        seen = _chromium(source, width, 400, "--dump-dom")
        height = re.search(r'<html data-height="(\d+)"', seen)
        if height is None:
            raise RuntimeError(f"Chromium has not shown the page: {seen[:500]}")
        _chromium(source, width, int(height[1]), f"--screenshot={path}")
    finally:
        source.unlink()
    small = ["pngquant", "--force", "--skip-if-larger", "--strip", "--speed", "1", "--ext", ".png"]
    subprocess.run([*small, "64", path], check=True)


def _chromium(page: Path, width: int, height: int, wanted: str) -> str:
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--allow-file-access-from-files", "--virtual-time-budget=20000"]
    command += [f"--force-device-scale-factor={_SCALE}", f"--window-size={width},{height}"]
    done = subprocess.run(
        [*command, wanted, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout
