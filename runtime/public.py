"""Text of others on standard input; what of it may be published, on standard output.

For launch, with any Python ≥ 3.10 and nothing installed.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from perf_smoke.redaction import knowing, public

with knowing(os.environ):
    print(public(sys.stdin.buffer.read().decode("utf-8", "replace")))
