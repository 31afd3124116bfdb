"""Which model do tests of real engines run? A tiny one of our own, the same bytes each time.

A GGUF of a few MB with random ternary weights, and its tokenizer beside it as `tokenizer.json`.
It says nothing sensible, but greedily always the same: a canary for an engine and its options.

    python -m tests.tiny_model OUT.gguf --format i2_s|f16|q4_0

F16 and Q4_0 are of the architecture `llama`, which every engine knows. I2_S is of BitNet b1.58's,
which bitnet.cpp calls `bitnet`; BitNet.rs looks for the same numbers under `bitnet-b1.58`, so that
they stand there twice.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import gguf
import numpy as np
from numpy.typing import NDArray

Weights = Literal["i2_s", "f16", "q4_0"]
"""I2_S for BitNet.rs and bitnet.cpp, the others for llama.cpp."""
Floats = NDArray[np.float32]

_ARCHITECTURES: dict[Weights, tuple[str, ...]] = {
    "i2_s": ("bitnet", "bitnet-b1.58"),
    "f16": ("llama",),
    "q4_0": ("llama",),
}
_FILE_TYPES: dict[Weights, int] = {"i2_s": 40, "f16": 1, "q4_0": 2}
_BITNET_ALONE = ("attn_sub_norm", "ffn_sub_norm")
_LAYERS, _HIDDEN, _FEED_FORWARD = 2, 512, 1024
_HEADS, _KV_HEADS = 8, 4
"""No matrix is smaller than these make it: BitNet.rs knows I2_S by a tensor's bytes, and takes the
scale behind them for an error where it is more than 0.1 % of them."""
_SCALE = 1 / 16
"""Of the ternary weights: projections roughly keep the size of what goes through them."""
_EMBEDDING = 1 / 2048
"""So small that the layers decide on the next token: by itself, each would be followed by itself,
since the embedding is the output too."""
_CONTEXT = 2048
_I2_S = 36
"""The type's number in bitnet.cpp; the package gguf does not know it."""
_I2_S_BLOCK = 128


@dataclass(frozen=True, kw_only=True)
class _Vocabulary:
    """Printable ASCII, newline and pairs of letters, so that any greedy text can be shown."""

    tokens: tuple[str, ...]
    merges: tuple[str, ...]
    special: tuple[str, str] = ("<|begin|>", "<|end|>")
    """The first two tokens. BitNet.rs knows an end of text by names such as `</s>` and cannot
    ignore it: it does not know these."""


def write(path: Path, stored_as: Weights) -> None:
    """Write the model to `path`, and `tokenizer.json` beside it."""
    vocabulary = _vocabulary()
    architectures = _ARCHITECTURES[stored_as]
    writer = gguf.GGUFWriter(path, architectures[0])
    writer.add_name("perf-smoke tiny")
    writer.add_file_type(_FILE_TYPES[stored_as])
    for architecture in architectures:
        _add_shape(writer, architecture, len(vocabulary.tokens))
    _add_tokenizer(writer, vocabulary)
    for name, weights in _tensors(len(vocabulary.tokens)):
        if stored_as != "i2_s" and any(part in name for part in _BITNET_ALONE):
            continue
        _add_tensor(writer, name, weights, stored_as)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (path.parent / "tokenizer.json").write_text(json.dumps(_tokenizer(vocabulary), indent=1))


def _vocabulary() -> _Vocabulary:
    merges = [
        f"{consonant} {vowel}"
        for consonant, vowel in itertools.product("bcdfghjklmnpqrstvwxyz", "aeiou")
    ]
    # As byte-level BPE writes them: a space is U+0120, a newline U+010A.
    letters = [chr(0x120), chr(0x10A), *map(chr, range(0x21, 0x7F))]
    pairs = [merge.replace(" ", "") for merge in merges]
    return _Vocabulary(
        tokens=(*_Vocabulary.special, *letters, *pairs),
        merges=tuple(merges),
    )


def _add_shape(writer: gguf.GGUFWriter, architecture: str, tokens: int) -> None:
    whole = {
        "block_count": _LAYERS,
        "context_length": _CONTEXT,
        "embedding_length": _HIDDEN,
        "feed_forward_length": _FEED_FORWARD,
        "attention.head_count": _HEADS,
        "attention.head_count_kv": _KV_HEADS,
        "rope.dimension_count": _HIDDEN // _HEADS,
        "vocab_size": tokens,
    }
    for key, value in whole.items():
        writer.add_uint32(f"{architecture}.{key}", value)
    writer.add_float32(f"{architecture}.attention.layer_norm_rms_epsilon", 1e-5)
    writer.add_float32(f"{architecture}.rope.freq_base", 10_000.0)


def _add_tokenizer(writer: gguf.GGUFWriter, vocabulary: _Vocabulary) -> None:
    special = len(vocabulary.special)
    normal = len(vocabulary.tokens) - special
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(vocabulary.tokens))
    writer.add_token_types(
        [int(gguf.TokenType.CONTROL)] * special + [int(gguf.TokenType.NORMAL)] * normal
    )
    writer.add_token_merges(list(vocabulary.merges))
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(False)


def _tokenizer(vocabulary: _Vocabulary) -> dict[str, object]:
    """The same for engines that read the file of Hugging Face's library."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": number, "content": token, "special": True, **flags}
            for number, token in enumerate(vocabulary.special)
        ],
        "pre_tokenizer": {**byte_level, "use_regex": True},
        "decoder": {**byte_level, "use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": {token: number for number, token in enumerate(vocabulary.tokens)},
            "merges": vocabulary.merges,
        },
    }


def _tensors(tokens: int) -> Iterator[tuple[str, Floats]]:
    """Names and weights, in the file's order."""
    embedding = (_bytes("token_embd", tokens * _HIDDEN).astype(np.float32) - 128) * _EMBEDDING
    embedding[: 2 * _HIDDEN] = 0  # the two special tokens: never the likeliest
    yield "token_embd.weight", embedding.reshape(tokens, _HIDDEN)
    yield "output_norm.weight", np.ones(_HIDDEN, np.float32)
    kv = _HIDDEN // _HEADS * _KV_HEADS
    for layer in range(_LAYERS):
        for name, length in (
            *(("attn_norm", _HIDDEN), ("attn_sub_norm", _HIDDEN)),
            *(("ffn_norm", _HIDDEN), ("ffn_sub_norm", _FEED_FORWARD)),
        ):
            yield f"blk.{layer}.{name}.weight", np.ones(length, np.float32)
        for name, rows, columns in (
            *(("attn_q", _HIDDEN, _HIDDEN), ("attn_output", _HIDDEN, _HIDDEN)),
            *(("attn_k", kv, _HIDDEN), ("attn_v", kv, _HIDDEN)),
            *(("ffn_gate", _FEED_FORWARD, _HIDDEN), ("ffn_up", _FEED_FORWARD, _HIDDEN)),
            ("ffn_down", _HIDDEN, _FEED_FORWARD),
        ):
            full = f"blk.{layer}.{name}.weight"
            ternary = _bytes(full, rows * columns).astype(np.float32) % 3 - 1
            yield full, (ternary * np.float32(_SCALE)).reshape(rows, columns)


def _bytes(name: str, count: int) -> NDArray[np.uint8]:
    """Random to look at, and the same with every version of every library."""
    return np.frombuffer(hashlib.shake_256(name.encode()).digest(count), np.uint8)


def _add_tensor(writer: gguf.GGUFWriter, name: str, weights: Floats, stored_as: Weights) -> None:
    if weights.ndim == 1:
        writer.add_tensor(name, weights)
    elif stored_as == "f16" or name == "token_embd.weight":
        writer.add_tensor(name, weights.astype(np.float16))
    elif stored_as == "q4_0":
        kind = gguf.GGMLQuantizationType.Q4_0
        writer.add_tensor(name, gguf.quantize(weights, kind), raw_dtype=kind)
    else:
        # As int8, so that the package does not compute a shape for a type that it does not know.
        packed = _i2_s(weights).view(np.int8)
        writer.add_tensor(name, packed, raw_shape=weights.shape, raw_dtype=_I2_S)  # type: ignore[arg-type]


def _i2_s(weights: Floats) -> NDArray[np.uint8]:
    """Blocks of 128 numbers in 32 bytes, number j in byte j % 32, the first 32 in the highest
    bits; 0, 1, 2 for -1, 0, 1. Behind all of them the scale, in 32 bytes."""
    codes = (np.sign(weights) + 1).astype(np.uint8).reshape(-1, 4, _I2_S_BLOCK // 4)
    first, second, third, fourth = (codes[:, part] for part in range(4))
    packed = first << 6 | second << 4 | third << 2 | fourth
    scale = np.zeros(8, "<f4")
    scale[0] = _SCALE
    return np.concatenate([packed.reshape(-1), scale.view(np.uint8)])


def main() -> None:
    """Write one model."""
    parser = argparse.ArgumentParser(prog="python -m tests.tiny_model", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--format", choices=get_args(Weights), default="f16")
    given = parser.parse_args()
    write(given.out, given.format)


if __name__ == "__main__":
    main()
