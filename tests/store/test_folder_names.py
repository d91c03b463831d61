"""`Store.folders`: what lies directly below a prefix, in every store."""

from reelmill_stages.store import Store


def test_folders_are_the_names_before_the_next_slash(store: Store) -> None:
    assert list(store.folders()) == []
    for name in ("a/b/c", "a/b0/c/d", "a/x", "a-b/c", "top", "ä ö/x", "z/z/z/z/z"):
        store.write(name, b"")
    assert list(store.folders()) == sorted(["a", "a-b", "z", "ä ö"])
    assert list(store.folders("a/")) == ["b", "b0"]
    assert list(store.folders("a/b0/")) == ["c"]
    assert list(store.folders("nothing/")) == []
