from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.spec.stages.normalise import NormaliseBlock
from reelmill_stages.media.cutting.shape_check import exact_rate, has_rate, scaling


class Ticks:
    """The part of a timeline that a rate is about."""

    def __init__(self, pts: list[int], end: int, time_base: Fraction) -> None:
        self.pts, self.end, self.time_base = pts, end, time_base


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (29.97, Fraction(30000, 1001)), (23.976, Fraction(24000, 1001)), (59.94, Fraction(60000, 1001)),
        (25, Fraction(25)), (30, Fraction(30)), (12.5, Fraction(25, 2)), (0.5, Fraction(1, 2)),
    ],
)  # fmt: skip
def test_a_number_means_the_rate_that_people_mean(fps: float, rate: Fraction) -> None:
    assert exact_rate(fps) == rate


@given(
    st.integers(1, 240), st.sampled_from([1, 1001]), st.integers(1, 60),
    st.sampled_from([Fraction(1, 1000), Fraction(1, 90000), Fraction(1, 12800), Fraction(1, 30000)]),
    st.integers(0, 999),
)  # fmt: skip
def test_a_constant_rate_is_one_in_any_clock_that_rounds(
    whole: int, divisor: int, count: int, base: Fraction, first: int
) -> None:
    rate = Fraction(whole * 1000, 1000 if divisor == 1 else 1001)
    times = [first + round(number / rate / base) for number in range(count + 1)]
    assert has_rate(Ticks(times[:-1], times[-1], base), rate)  # type: ignore[arg-type]


def test_a_frame_that_is_late_makes_the_rate_variable() -> None:
    base = Fraction(1, 12800)
    times = [number * 512 for number in range(11)]
    assert has_rate(Ticks(times[:-1], times[-1], base), Fraction(25))  # type: ignore[arg-type]
    times[5] += 100
    assert not has_rate(Ticks(times[:-1], times[-1], base), Fraction(25))  # type: ignore[arg-type]


def test_the_filter_that_scales_is_the_same_for_every_film() -> None:
    assert scaling(None, even=True) == (
        r"scale=w=max(2\,trunc(round(iw*if(sar\,sar\,1)*1*1000)/1000/2)*2)"
        r":h=max(2\,trunc(round(ih*1*1000)/1000/2)*2)"
        ":flags=bicubic+accurate_rnd+full_chroma_int+bitexact,setsar=1"
    )


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"sound": {"codec": "opus", "rate": 44100}}, "48000"),
        ({"toneMap": "keep", "codec": "h264_nvenc"}, "8 bit"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(params: dict[str, object], says: str) -> None:
    assert says in str(NormaliseBlock.model_validate(params).refusals())
