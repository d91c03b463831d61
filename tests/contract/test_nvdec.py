"""The table of hardware decoders: what NVIDIA's documents say of well-known products, and nothing that they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.gpus import nvdec

AV1 = ["NVIDIA-L4", "NVIDIA-L40S", "NVIDIA-A10G", "NVIDIA-A10", "NVIDIA-A2", "NVIDIA GeForce RTX 3090", "NVIDIA-B200"]
NO_AV1 = [
    "NVIDIA-A100-SXM4-80GB",
    "NVIDIA-A30",
    "NVIDIA-H100-80GB-HBM3",
    "NVIDIA H200",
    "Tesla-T4",
    "Tesla-V100-SXM2-32GB",
]


@pytest.mark.parametrize("product", [*AV1, *NO_AV1])
def test_av1_goes_to_ampere_without_ga100_ada_and_blackwell_alone(product: str) -> None:
    found = nvdec.of_product(product)
    assert found is not None
    assert found.decodes(["av1"]) is (product in AV1)
    assert found.decodes(["h264", "mpeg2video"])


@pytest.mark.parametrize(
    ("capability", "codec", "form", "known"),
    [
        ("9.0", "av1", "4:2:0 8", False),
        ("8.0", "av1", "4:2:0 8", False),
        ("8.9", "av1", "4:2:0 10", True),
        ("8.9", "h264", "4:2:0 10", False),
        ("12.0", "h264", "4:2:0 10", True),
        ("9.0", "hevc", "4:4:4 10", True),
        ("9.0", "hevc", "4:2:2 10", False),
        ("10.0", "hevc", "4:2:2 10", True),
        ("7.5", "vp9", "4:2:0 12", True),
        ("8.9", "mjpeg", "4:2:0 8", False),
        ("6.1", "hevc", "4:2:0 8", False),
    ],
)
def test_formats_are_those_of_the_application_note(capability: str, codec: str, form: str, known: bool) -> None:
    found = nvdec.of_capability(capability)
    assert found is not None
    assert (codec in found.codecs and form in found.codecs[codec].formats) is known


def test_what_is_not_in_the_table_is_not_known() -> None:
    assert nvdec.of_capability("99.0") is None
    assert nvdec.of_product("Radeon") is None
    assert nvdec.of_product("NVIDIA-A1000-XYZ") is None


def test_each_capability_and_product_belongs_to_one_generation_and_each_codec_can_be_asked_for() -> None:
    table = nvdec.generations()
    for names in ([one.compute_capabilities for one in table], [one.products for one in table]):
        flat = [name for found in names for name in found]
        assert len(flat) == len(set(flat))
    assert [nvdec.known_codec(codec) for codec in nvdec.codecs()] == sorted(
        {codec for one in table for codec in one.codecs}
    )
    with pytest.raises(ValueError, match="'h265': give some of av1, h264, hevc"):
        nvdec.known_codec("h265")


@given(st.sets(st.sampled_from(nvdec.codecs())), st.sampled_from(nvdec.codecs()))
def test_more_codecs_never_fit_on_more_gpus(codecs: set[str], another: str) -> None:
    assert set(nvdec.capabilities({*codecs, another})) <= set(nvdec.capabilities(codecs))


def test_sizes_end_at_the_decoders_limits() -> None:
    ada = nvdec.of_capability("8.9")
    assert ada is not None
    hevc, mpeg4 = ada.codecs["hevc"], ada.codecs["mpeg4"]
    assert (hevc.holds(8192, 144), hevc.holds(8193, 144), hevc.holds(143, 144)) == (True, False, False)
    assert (mpeg4.holds(1920, 1080), mpeg4.holds(2032, 2032)) == (True, False)
    assert ada.codecs["h264"].holds(3840, 2160)
    assert not ada.codecs["h264"].holds(7680, 4320)
