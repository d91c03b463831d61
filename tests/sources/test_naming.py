import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelmill_stages.file_names import STEM_BYTES, clip_stem, safe_stem, told_apart

TEXTS = st.one_of(
    st.text(max_size=200), st.text("ab./ é日", max_size=4), st.text(st.characters(categories=["Cs", "Mn"]))
)
KEYED = st.dictionaries(st.text("abc#/", max_size=4), st.text("aAb._日", max_size=3).map(safe_stem), max_size=12)


@given(TEXTS)
def test_a_stem_is_safe_for_every_file_system_and_for_webdataset(text: str) -> None:
    stem = safe_stem(text)
    assert stem
    assert len(stem.encode()) <= STEM_BYTES
    assert all(char in "-_" or unicodedata.category(char)[0] in "LNM" for char in stem)


@given(TEXTS)
def test_a_safe_stem_stays_as_it_is(text: str) -> None:
    assert safe_stem(safe_stem(text)) == safe_stem(text)


@pytest.mark.parametrize("text", ["dQw4w9WgXcQ", "-Ab_cd-EF01", "我的世界", "ведро_2", "नमस्ते"])
def test_letters_of_any_script_and_youtube_ids_are_kept(text: str) -> None:
    assert safe_stem(text) == text


@pytest.mark.parametrize(
    ("text", "stem"),
    [("a b", "a_b"), ("a/../b", "a_b"), ("x.mp4", "x_mp4"), ("", "_"), ("...", "_"), ("a\x00\nb", "a_b"), ("é", "é")],
)
def test_spaces_slashes_dots_and_control_characters_are_replaced(text: str, stem: str) -> None:
    assert safe_stem(text) == stem


def test_long_names_are_cut_and_stay_different() -> None:
    one, two = safe_stem("日" * 200 + "a"), safe_stem("日" * 200 + "b")
    assert one != two
    assert len(one.encode()) <= STEM_BYTES


def test_000_f06_a_clip_is_named_by_its_video_and_whole_seconds() -> None:
    assert clip_stem("dQw4w9WgXcQ", 12.7, 19.2) == "dQw4w9WgXcQ_12_19"


def test_a_clip_of_a_video_with_a_long_id_keeps_its_times() -> None:
    stem = clip_stem("v" * 200, 12.7, 19.2)
    assert stem.endswith("_12_19")
    assert len(stem) <= STEM_BYTES


@given(KEYED)
def test_names_are_unique_whatever_the_stems(keyed: dict[str, str]) -> None:
    names = told_apart(keyed.items())
    assert list(names) == list(keyed)
    assert len({name.casefold() for name in names.values()}) == len(keyed)
    assert all(safe_stem(name) == name for name in names.values())


@given(KEYED, st.randoms())
def test_names_do_not_depend_on_the_order(keyed: dict[str, str], random) -> None:
    shuffled = list(keyed.items())
    random.shuffle(shuffled)
    assert told_apart(shuffled) == told_apart(keyed.items())


@given(KEYED)
def test_a_name_gets_a_suffix_only_where_two_would_share_it(keyed: dict[str, str]) -> None:
    names = told_apart(keyed.items())
    stems = [stem.casefold() for stem in keyed.values()]
    for key, stem in keyed.items():
        assert names[key] == stem or stems.count(stem.casefold()) > 1


@given(KEYED, KEYED)
def test_names_given_before_stay_when_more_come(first: dict[str, str], more: dict[str, str]) -> None:
    before = told_apart(first.items())
    after = told_apart({**more, **first}.items(), taken=before)
    assert {key: after[key] for key in first} == before
    assert len({name.casefold() for name in after.values()}) == len(after)


def test_a_key_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        told_apart([("a", "x"), ("a", "y")])
