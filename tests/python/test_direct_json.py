"""Bodies are read as `json.loads` reads them, whichever parser does it."""

import json
import math
import random

import pytest

from skills_host.direct.json import _fast, loads

NUMBERS = """
0 -0 1 -1 1.0 1e5 1E400 -1e400 1.7976931348623157e309 0.1 -0.0 1e-400 NaN Infinity -Infinity nan 01
1. .5 +1 5e-324 1e22 1e23 8.5e-300 7.038531e-26 0.30000000000000004 2.2250738585072014e-308
4.9406564584124654e-324 1.00000000000000011102230246251565 9007199254740993 18446744073709551616
-9223372036854775808 9223372036854775807 123456789.123456789123456789
"""
TEXTS = r"""
"a" "\u00e9" "\ud800" "\ud83d\ude00" "\udc00\ud800" "é" "\/" "\x" "" "\u0000" "a\nb"
"""
ATOMS = [*NUMBERS.split(), *TEXTS.split(), '"\t"', "true", "false", "null", "9" * 4299, "9" * 4301]
KEYS = ['"a"', '"b"', '"\\u0061"', '"é"', '""']


def text(draw: random.Random, depth: int = 0) -> str:
    kind = draw.random()
    if depth > 4 or kind < 0.5:
        return draw.choice(ATOMS)
    space = draw.choice(["", " ", "\n", "\t"])
    parts = range(draw.randint(0, 4))
    if kind < 0.75:
        return f"[{space}{f',{space}'.join(text(draw, depth + 1) for _ in parts)}]"
    entries = (f"{draw.choice(KEYS)}{space}:{text(draw, depth + 1)}" for _ in parts)
    return f"{{{','.join(entries)}}}"


def damaged(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    place = draw.randrange(len(changed) + 1)
    changed[place : place + draw.randint(0, 1)] = bytes([draw.choice(b' \x00{}[],:"\\0ne\xff\xef')])
    return bytes(changed)


def outcome(read, data: bytes) -> str:
    try:
        return repr(read(data))
    except Exception as error:
        return repr(error)


def test_texts_are_read_alike():
    draw = random.Random(7)
    for _ in range(20_000):
        data = text(draw).encode("utf-8", "surrogatepass")
        if draw.random() < 0.25:
            data = damaged(draw, data)
        assert outcome(loads, data) == outcome(json.loads, data)


def test_numbers_are_read_alike():
    draw = random.Random(7)
    for _ in range(20_000):
        number = draw.choice([draw.random(), math.ldexp(draw.random(), draw.randint(-1070, 1020))])
        data = f"{number:.{draw.randint(1, 30)}g}".encode()
        assert repr(loads(data)) == repr(json.loads(data))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be"])
def test_other_encodings_are_read_alike(encoding):
    assert loads('{"a": "é"}'.encode(encoding)) == {"a": "é"}


@pytest.mark.parametrize("depth", [150, 250, 100_000])
def test_deep_texts_are_read_alike(depth):
    data = b"[" * depth + b"]" * depth
    assert outcome(loads, data) == outcome(json.loads, data)


def test_the_fast_parser_is_used():
    assert _fast() is not None
