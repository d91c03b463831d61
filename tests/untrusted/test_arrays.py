"""Arrays and pickles of unknown origin: what is valid is read, and nothing allocates more than the file holds."""

import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reelmill_stages.untrusted.arrays import ArrayArchive, ArrayError, loads_arrays, map_array, read_array
from reelmill_stages.untrusted.nested import check_depth
from reelmill_stages.untrusted.pickles import PickleError, load, loads

TYPES = st.one_of(
    arrays.integer_dtypes(), arrays.floating_dtypes(), arrays.boolean_dtypes(), arrays.unicode_string_dtypes(max_len=9)
)
ARRAYS = arrays.arrays(TYPES, arrays.array_shapes(min_dims=0, min_side=0, max_side=4))


def npy(array: np.ndarray[Any, Any]) -> bytes:
    made = io.BytesIO()
    np.save(made, array)
    return made.getvalue()


def header(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    """An npy file that says this shape, and holds no value."""
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, {"descr": descr, "fortran_order": False, "shape": shape})
    return made.getvalue()


def same(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


@given(ARRAYS, st.sampled_from("CF"))
def test_an_array_is_read_as_numpy_reads_it(array: np.ndarray[Any, Any], order: Any) -> None:
    data = npy(np.asarray(array, order=order))
    found = read_array(io.BytesIO(data), len(data))
    assert same(found, np.load(io.BytesIO(data)))
    assert found.flags.writeable


@given(ARRAYS)
def test_an_archive_gives_its_arrays_by_name(array: np.ndarray[Any, Any]) -> None:
    made = io.BytesIO()
    np.savez_compressed(made, one=array, other=np.arange(3))
    with ArrayArchive(made) as archive:
        assert archive.names == ("one", "other")
        assert same(archive.array("one"), array)
        with pytest.raises(KeyError):
            archive.array("third")


@pytest.mark.parametrize(
    "data",
    [
        header((1 << 40,)), header((1 << 70,)), header((-1,)), header((1 << 40,), "|S0"), npy(np.array([{}], object)),
        b"", b"\x93NUMPY\x01\x00\x05\x00{'a(}", b"\x93NUMPY\x09\x00", b"PK\x03\x04",
    ],
)  # fmt: skip
def test_an_invalid_array_or_one_that_announces_more_than_it_contains_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ArrayError):
        read_array(io.BytesIO(data), len(data))
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(ArrayError):
        map_array(tmp_path / "a.npy")
    with pytest.raises(ArrayError):
        ArrayArchive(tmp_path / "a.npy")


def test_an_archive_that_unpacks_to_more_than_is_read_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header((1 << 20,)))
    data = bytearray(made.getvalue())
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", (1 << 32) - 2)
    with ArrayArchive(io.BytesIO(bytes(data))) as opened, pytest.raises(ArrayError, match="at most"):
        opened.array("a")


@given(
    protocol=st.sampled_from([3, 4, 5]),
    value=st.recursive(ARRAYS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)),
)
def test_pickles_of_arrays_are_read(protocol: int, value: Any) -> None:
    data = pickle.dumps(value, protocol)
    assert repr(loads_arrays(data)) == repr(pickle.loads(data))


@pytest.mark.parametrize(
    "data",
    [
        b"N" + pickle.LONG_BINPUT + b"\xff\xff\xff\x7f.",
        pickle.FRAME + struct.pack("<Q", 1 << 60) + b"N.",
        pickle.BINBYTES8 + struct.pack("<Q", 1 << 40) + b".",
        pickle.BINUNICODE + struct.pack("<I", 1 << 31) + b".",
        pickle.GLOBAL + b"os\nsystem\n(Vtrue\ntR.",
        b"", b".", b"}", b"N",
    ],
)  # fmt: skip
def test_a_pickle_that_asks_for_more_than_it_holds_or_runs_something_is_refused(data: bytes, tmp_path: Path) -> None:
    for read in (loads, loads_arrays):
        with pytest.raises(PickleError):
            read(data)
    (tmp_path / "a.pkl").write_bytes(data)
    with (tmp_path / "a.pkl").open("rb") as file, pytest.raises(PickleError):
        load(file)


@pytest.mark.parametrize(
    "value",
    [
        (b"cnumpy\ndtype\n", b"(VV2000000000\nI00\nI01\ntR."),
        (b"cnumpy\nndarray\n", b"((I1000000000000\nttR."),
        (b"cnumpy.core.multiarray\n_reconstruct\n", b"(cnumpy\nndarray\n(I1000000000000\ntVb\ntR."),
    ],
)
def test_a_pickle_makes_no_array_that_its_bytes_do_not_fill(value: tuple[bytes, bytes]) -> None:
    with pytest.raises(PickleError):
        loads_arrays(b"".join(value))


def test_one_pickle_after_another_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "two.pkl"
    path.write_bytes(pickle.dumps([1]) + pickle.dumps({"a": b"x" * 100_000}) + b"rest")
    with path.open("rb") as file:
        assert load(file) == [1]
        assert load(file) == {"a": b"x" * 100_000}
        assert file.read() == b"rest"


def test_a_value_that_holds_one_object_many_times_is_measured_once() -> None:
    value: list[Any] = []
    for _ in range(60):
        value = [value] * 10
    check_depth(value)


@pytest.mark.parametrize("flags", [1, 63, 8, 255])
@pytest.mark.parametrize("code", ["u1", "V8"])
def test_a_type_that_says_that_its_bytes_are_addresses_is_refused(code: str, flags: int) -> None:
    """numpy would follow them."""
    data = pickle.dumps(np.zeros(8, code), 4)
    state = b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t" if code == "u1" else b"NNNK\x08K\x01K\x00t"
    assert state in data
    with pytest.raises(PickleError):
        loads_arrays(data.replace(state, state[:-2] + bytes([flags]) + b"t"))


def test_an_array_of_objects_whose_list_is_too_short_is_refused() -> None:
    """numpy reads past its end."""
    data = pickle.dumps(np.array({}, object), 4)
    assert data.endswith(b"]\x94}\x94at\x94b.")
    with pytest.raises(PickleError):
        loads_arrays(data[: -len(b"}\x94at\x94b.")] + b"t\x94b.")


@pytest.mark.parametrize(
    ("first", "second"), [(60, 22), (3, 22), (5, 60)], ids=["overlap", "the first ends inside", "the last is too long"]
)
def test_a_pickle_whose_frames_overlap_or_end_inside_an_operation_is_refused(first: int, second: int) -> None:
    def frame(size: int) -> bytes:
        return b"\x95" + size.to_bytes(8, "little")

    # What an unpickler reads after the second frame is what lies behind the first: not what was looked at.
    made = b"\x80\x04" + frame(first) + b"Pabc\n" + frame(second) + b"\x85" * 20 + b"." + b"r\xff\xff\xff\x7f" * 9
    with pytest.raises(PickleError, match="frames do not match"):
        loads(made)


@given(st.recursive(st.none() | st.binary(max_size=9), lambda inner: st.lists(inner, max_size=4)), st.integers(3, 5))
def test_every_pickle_of_plain_values_is_read_whatever_its_frames(value: object, protocol: int) -> None:
    whole = [value, b"x" * 70_000, value, "y" * 70_000, value]
    assert loads(pickle.dumps(whole, protocol)) == whole
