"""The process that asks NVIDIA's driver for its GPUs: a line of JSON for each.

Started as a script; it imports nothing of perf_smoke, and may be killed at any time.
"""

from __future__ import annotations

import json

import pynvml


def main() -> None:
    """Name, driver and memory of every GPU."""
    pynvml.nvmlInit()
    driver = pynvml.nvmlSystemGetDriverVersion()
    for index in range(pynvml.nvmlDeviceGetCount()):
        device = pynvml.nvmlDeviceGetHandleByIndex(index)
        memory = pynvml.nvmlDeviceGetMemoryInfo(device)
        name = pynvml.nvmlDeviceGetName(device)
        print(json.dumps({"name": name, "driver": driver, "memory_bytes": memory.total}))


if __name__ == "__main__":
    main()
