"""A llama-server for the tests: the arguments of the real one, and the real llama.cpp behind
them, which the package xllamacpp lets listen."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="llama-server")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("-m", metavar="FNAME")
    parser.add_argument("-t", type=int)
    parser.add_argument("-c", type=int)
    parser.add_argument("-np", type=int)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--no-repack", action="store_true")
    given = parser.parse_args(arguments)
    if given.version:
        print(f"version: xllamacpp {importlib.metadata.version('xllamacpp')}", file=sys.stderr)
        return

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = given.m
    params.n_ctx = given.c
    params.n_parallel = given.np
    params.cpuparams.n_threads = given.t
    params.cpuparams_batch.n_threads = given.t
    params.n_gpu_layers = 0
    params.no_extra_bufts = given.no_repack
    params.verbosity = 1
    params.hostnames = [given.host]
    params.port = given.port
    print(f"environment: {os.environ.get('LLAMA_TEST', '')}", flush=True)
    _server = xllamacpp.Server(params)  # listens as long as it lives
    signal.pause()
