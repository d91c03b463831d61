import random

from hypothesis import given
from hypothesis import strategies as st

from reelmill.contract.records.rows import Media
from reelmill_stages.file_names import told_apart
from reelmill_stages.sources.listing.drafts import RowDraft
from reelmill_stages.sources.listing.settle import settled

ROWS = ["a" * 32, "b" * 32, "c" * 32]
DRAFTS = st.lists(
    st.builds(
        RowDraft,
        identity=st.sampled_from(["x", "x~" + "a" * 8, "x~" + "b" * 8, "x#2", "x##2", "y"]),
        row=st.sampled_from(ROWS),
        group=st.sampled_from(["g", "h"]),
        weight=st.just(1.0),
        media=st.just(Media("/x", 1)),
        stem=st.sampled_from(["s", "S", "t", None]),
        problem=st.sampled_from([None, None, ("missing", "no file")]),
    ),
    max_size=9,
)


def copies(drafts: list[RowDraft]) -> list[RowDraft]:
    """The same drafts, those of one identity and row alike in all they say."""
    first: dict[tuple[str, str], RowDraft] = {}
    return [first.setdefault((draft.identity, draft.row), draft) for draft in drafts]


@given(DRAFTS)
def test_every_row_becomes_one_item_with_a_key_of_its_own(drafts: list[RowDraft]) -> None:
    found = list(settled(drafts))
    assert len(found) == len({listed.key for listed in found}) == len(drafts)


@given(DRAFTS, st.integers())
def test_the_order_of_rows_changes_nothing(drafts: list[RowDraft], seed: int) -> None:
    drafts = copies(drafts)
    shuffled = random.Random(seed).sample(drafts, len(drafts))
    assert list(settled(shuffled)) == list(settled(drafts))


@given(DRAFTS)
def test_rows_that_say_the_same_count_once(drafts: list[RowDraft]) -> None:
    drafts = copies(drafts)
    found = list(settled(drafts))
    good = {(draft.identity, draft.row) for draft in drafts if draft.problem is None}
    assert sum(listed.problem is None for listed in found) == len(good)
    assert sum(listed.problem is not None and listed.problem[0] == "missing" for listed in found) == sum(
        draft.problem is not None for draft in drafts
    )


def test_a_key_that_stands_alone_is_what_the_row_is_about() -> None:
    drafts = [RowDraft("x", "a" * 32, "g"), RowDraft("x", "b" * 32, "g"), RowDraft("x~" + "a" * 8, "c" * 32, "g")]
    assert [listed.key for listed in settled(drafts)] == ["x~aaaaaaaa", "x~aaaaaaaaa", "x~bbbbbbbb"]


def test_a_name_that_is_made_up_never_takes_one_that_is_there() -> None:
    made = told_apart([("a", "s"), ("b", "s")])["b"]
    drafts = [RowDraft("a", "1", "g", stem="s"), RowDraft("b", "2", "g", stem="s"), RowDraft("0", "3", "g", stem=made)]
    names = {listed.key: listed.fields["name"] for listed in settled(drafts)}
    assert names["a"] == "s"
    assert names["0"] == made
    assert len(set(names.values())) == 3


def test_a_listing_is_sorted_by_group_and_then_by_time() -> None:
    spans = [(9.0, 10.0), (10.0, 11.0), (1.5, 2.0)]
    drafts = [RowDraft(f"v:{start}", "r", group, order=(start, end)) for start, end in spans for group in ("w", "v")]
    for number, draft in enumerate(drafts):
        draft.identity += f"/{number}"
    found = [(listed.group, float(listed.key[2:].split("/")[0])) for listed in settled(drafts)]
    assert found == sorted(found)
