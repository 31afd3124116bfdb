"""Numbers as readers see them."""

from __future__ import annotations

import locale
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_smoke import numbers, settings


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (54.86, "54.9"),
        (2, "2.00"),
        (0.05123, "0.0512"),
        (999.6, "1,000"),
        (12_345, "12,300"),
        (-3.14159, "−3.14"),
        (1.5e-9, "1.50e−09"),
        (2e15, "2.00e+15"),
        (float("inf"), "inf"),
    ],
)
def test_three_significant_digits_whatever_the_size(value: float, text: str) -> None:
    assert numbers.three(value) == text


@pytest.mark.parametrize(
    ("stored", "values", "text"),
    [
        ("ms", [54.9], "54.9 ms"),
        ("ms", [0.0], "0 ms"),
        ("ms", [0.0124], "12.4 µs"),
        ("ms", [0.00000004], "0.0400 ns"),
        ("ms", [12_345.0], "12.3 s"),
        ("ms", [999.7], "1.00 s"),
        ("ms", [90_000.0], "90.0 s"),
        ("ms", [600_000.0], "10.0 min"),
        ("ms", [4 * 3600e3], "4.00 h"),
        ("ms", [980.0, 1020.0], "0.980 s"),
        ("ms", [54.9, None], "54.9 ms"),
        ("mib", [164.7], "165 MiB"),
        ("mib", [1190.0], "1.16 GiB"),
        ("mib", [0.5], "512 KiB"),
        ("tps", [0.1234], "0.123 tok/s"),
        ("tps", [98_765.0], "98,800 tok/s"),
    ],
)
def test_long_durations_and_large_memory_take_the_next_unit(
    stored: numbers.StoredUnit, values: list[float | None], text: str
) -> None:
    first = values[0]
    assert first is not None
    assert numbers.quantity(first, numbers.unit_for(stored, *values)) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.068, "+6.8 %"),
        (-0.009, "−0.9 %"),
        (0.0, "0.0 %"),
        (-0.0004, "0.0 %"),
        (0.9996, "+100 %"),
        (1.234, "+123 %"),
        (-0.12, "−12.0 %"),
        (23.4, "+2,340 %"),
    ],
)
def test_changes_have_one_decimal_and_a_real_minus_sign(fraction: float, text: str) -> None:
    assert numbers.change(fraction) == text


def test_an_interval_keeps_both_signs_and_the_unit_once() -> None:
    assert numbers.interval(-0.009, 0.012) == "−0.9 … +1.2 %"


def test_an_interval_in_words_has_sizes_in_ascending_order() -> None:
    assert numbers.sizes(-0.131, -0.108) == "10.8 … 13.1 %"


def test_what_somebody_chose_is_printed_as_chosen() -> None:
    assert [numbers.share(share) for share in (0.05, 0.025, 0.99, 0.9995)] == [
        "5 %",
        "2.5 %",
        "99 %",
        "99.95 %",
    ]


@pytest.mark.parametrize(
    ("value_s", "text"),
    [(0.2, "5 s"), (44.1, "45 s"), (120, "120 s"), (121, "3 m"), (9000, "150 m")],
)
def test_a_budget_is_rounded_up_and_is_an_input(value_s: float, text: str) -> None:
    assert numbers.budget(value_s) == text
    assert settings.parse({"budget": text}).budget_s >= value_s


@pytest.mark.parametrize(("count", "about"), [(7, 7), (99, 99), (117, 120), (1177, 1200)])
def test_what_is_roughly_known_has_two_digits(count: int, about: int) -> None:
    assert numbers.about(count) == about


def test_no_locale_changes_a_number() -> None:
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        locale.setlocale(locale.LC_NUMERIC, "")
        assert numbers.three(1234.5) == "1,230"
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)


@given(st.floats(min_value=1e-9, max_value=1e12), st.sampled_from(get_args(numbers.StoredUnit)))
def test_no_number_reads_more_than_half_a_percent_wrong(
    value: float, stored: numbers.StoredUnit
) -> None:
    unit = numbers.unit_for(stored, value)
    shown = float(numbers.three(value / unit.size).replace(",", "").replace("−", "-"))
    assert shown * unit.size == pytest.approx(value, rel=0.00501)
