"""`python -m perf_smoke` is `perf-smoke`."""

from perf_smoke.cli import main

if __name__ == "__main__":
    main(prog_name="perf-smoke")
