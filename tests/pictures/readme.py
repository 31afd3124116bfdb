"""What does README.md say of its pictures?"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Literal, get_args

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
FOLDER = ROOT / "docs" / "pictures"
Name = Literal["comment", "summary", "terminal"]
NAMES: tuple[Name, ...] = get_args(Name)
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)


def file(name: Name, theme: Theme) -> Path:
    """Where a picture lies."""
    return FOLDER / f"{name}-{theme}.png"


def rewritten(text: str, name: Name, seen: str, width: int) -> str:
    """The page with its block for a picture anew.

    Args:
        text: of README.md.
        seen: what who cannot see it should know.
        width: that it is shown with, where there is room for it.
    """
    light, dark = (file(name, theme).relative_to(ROOT) for theme in THEMES)
    block = (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">\n'
        f'<img src="{light}" width="{width}" alt="{html.escape(seen)}"></picture>'
    )
    return re.sub(
        rf"(<!-- picture-{name} -->\n).*?(<!-- /picture-{name} -->)",
        lambda found: f"{found[1]}{block}\n{found[2]}",
        text,
        flags=re.DOTALL,
    )
