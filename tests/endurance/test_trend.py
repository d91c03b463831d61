"""Growth is told from noise, and exponents are those of the power law."""

import random

import pytest

from endurance.trend import exponent, fit


def test_a_line_is_found_in_its_noise() -> None:
    noise = random.Random(1)
    trend = fit([(x / 60, 100 + 5 * x / 60 + noise.uniform(-1, 1)) for x in range(60)])
    assert trend.slope == pytest.approx(5, abs=1)
    assert not trend.flat(1.0)
    assert trend.flat(10.0)


def test_noise_alone_is_flat() -> None:
    noise = random.Random(1)
    assert fit([(x, 100 + noise.uniform(-5, 5)) for x in range(60)]).flat(0.0)


def test_two_samples_are_no_trend() -> None:
    with pytest.raises(ValueError, match="three samples"):
        fit([(1, 1), (2, 2)])


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_exponents_are_those_of_the_power_law(power: float) -> None:
    assert exponent([(size, 3 * size**power) for size in (10, 100, 1000)]) == pytest.approx(power)
