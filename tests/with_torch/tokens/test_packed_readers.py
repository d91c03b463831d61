"""The readers of packed tars and packed tokens: from folders and buckets, in any worker, in an order that resumes."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

import footage
from pack.desk import Gathered, tar_items, video_item
from pack.desk import packed as packed_videos
from pack.desk import presented as pack_presented
from reelmill.contract.errors import NotFound, SpecError
from reelmill.contract.spec.stages.pack import PackBlock
from reelmill.contract.task import Connection, StoreRef
from reelmill_stages.datasets.frames_in_tars import FramesInTars, collate_frames
from reelmill_stages.datasets.packed_tokens import IGNORED, PackedTokens, collate_packs, within_documents
from reelmill_stages.datasets.resumable_sampler import Order
from reelmill_stages.datasets.tar_set import TarSet
from reelmill_stages.stages.tokenize.stage import TokenizeStage
from reelmill_stages.store.open import open_store
from servers.processes import Server
from servers.s3_servers import make_bucket
from tokens.desk import block, packed, packs, sample, tar

pytestmark = pytest.mark.store
PATCHES = 4


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of packs: three tars, views beside them, as an export has them."""
    folder = tmp_path_factory.mktemp("tokens")
    made = block(folder, max_tokens=80, patches_per_image=PATCHES, tars_per_tar=1)
    texts = ["two dogs run over the grass", "a girl sitting in a park", "pour the flour into a bowl"]
    tars = [
        tar(folder / f"in/{number}.tar", [sample(texts[(number + row) % 3], row % 3) for row in range(9)])
        for number in range(3)
    ]
    out = packed(made, tars, folder / "set/0001")
    for file in TokenizeStage(made).present(Gathered(tar_items(out), folder / "views"), {}):
        (folder / "set" / file.name).parent.mkdir(exist_ok=True)
        shutil.copyfile(file.path, folder / "set" / file.name)
    return folder / "set"


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of frames: seven videos in tars of three."""
    folder = tmp_path_factory.mktemp("frames")
    video = footage.video(seconds=1, fps=10, audio=False)
    made = PackBlock(sampler="un", frames=4, samples_per_tar=3)
    out = packed_videos(made, [video_item(video, n, text=f"film {n}") for n in range(7)], folder / "set")
    pack_presented(made, out, folder / "set")
    return folder / "set"


def test_a_sample_of_packed_tars_has_its_frames_together_in_order(frames: Path) -> None:
    data = FramesInTars(str(frames))
    assert len(data) == 7
    one = data[4]
    assert (one.text, one.key) == ("film 4", "000000004")
    assert (one.frames.dtype, one.frames.shape) == (torch.uint8, (4, 3, 192, 320))
    shown = [footage.frame_number(frame.permute(1, 2, 0).numpy()) for frame in one.frames]
    assert shown == [1, 3, 5, 8] == sorted(shown)
    small = FramesInTars(str(frames), size=(8, 12), transform=lambda found: found.float() / 255)[0]
    assert (small.frames.dtype, small.frames.shape) == (torch.float32, (4, 3, 8, 12))
    with pytest.raises(IndexError):
        data[7]


def test_a_pack_says_what_is_learned_and_where_its_documents_are(tokens: Path) -> None:
    data = PackedTokens(str(tokens), image_size=(8, 8))
    expected = [found for path in sorted((tokens / "0001").glob("*.tar")) for found in _read(path)]
    assert len(data) == len(expected)
    for one, (key, read, _) in zip([data[number] for number in range(len(data))], expected, strict=True):
        assert one.key == key
        assert one.input_ids.tolist() == read["input_ids"]
        assert one.labels.tolist() == [
            token if learned else IGNORED for token, learned in zip(read["input_ids"], read["loss_mask"], strict=True)
        ]
        assert one.position_ids.tolist() == read["position_ids"]
        assert one.offsets.tolist() == read["document_offsets"]
        assert one.images.shape[0] == len(read["image"])
        assert (one.input_ids == 32000).sum() == PATCHES * len(one.images)


def _read(path: Path):
    from types import SimpleNamespace

    return packs([SimpleNamespace(file=SimpleNamespace(path=path))])


def test_no_token_looks_into_another_document_or_ahead() -> None:
    mask = within_documents(torch.tensor([[0, 0, 1, 1, -1]]))[0, 0]
    assert mask.int().tolist() == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]


@pytest.mark.parametrize("workers", [0, 2])
def test_every_pack_comes_once_in_an_order_that_does_not_depend_on_workers(tokens: Path, workers: int) -> None:
    data = PackedTokens(str(tokens))
    loader = DataLoader(data, batch_size=2, sampler=Order(data.tars.counts, seed=3), num_workers=workers,
                        collate_fn=collate_packs)  # fmt: skip
    keys = [key for batch in loader for key in batch.keys]
    alone = [data[number].key for number in Order(data.tars.counts, seed=3)]
    assert keys == alone
    assert sorted(keys) == sorted(data[number].key for number in range(len(data)))
    assert keys != sorted(keys)


def test_training_continues_exactly_where_it_stopped(tokens: Path) -> None:
    counts = TarSet(str(tokens)).counts
    order = Order(counts, seed=5, window=2)
    first, second = list(order), list(order)
    assert first != second
    again = Order(counts, seed=5, window=2)
    again.load_state_dict(order.state_dict(epoch=1, consumed=4))
    assert len(again) == len(second) - 4
    assert list(again) == second[4:]
    with pytest.raises(ValueError, match="another seed"):
        Order(counts, seed=6).load_state_dict(order.state_dict(1, 4))


def test_ranks_share_an_epoch_and_get_equally_many() -> None:
    parts = [list(Order([4, 3, 3], seed=1, rank=rank, world=3)) for rank in range(3)]
    assert [len(part) for part in parts] == [4, 4, 4]
    assert set().union(*parts) == set(range(10))
    assert list(Order([2, 2], shuffle=False)) == [0, 1, 2, 3]


def test_folders_without_an_index_are_walked(frames: Path, tmp_path: Path) -> None:
    for path in frames.rglob("*.tar"):
        shutil.copyfile(path, tmp_path / path.name)
    assert [one.key for one in _all(TarSet(str(tmp_path)))] == [one.key for one in _all(TarSet(str(frames)))]


def _all(tars: TarSet) -> Iterator:
    return (tars[number] for number in range(len(tars)))


def test_a_folder_without_tars_or_not_committed_is_reported(tmp_path: Path, frames: Path) -> None:
    with pytest.raises(NotFound, match="no tar"):
        TarSet(str(tmp_path))
    (tmp_path / "_reelmill").mkdir()
    (tmp_path / "_reelmill/stage.json").write_text("{}")
    shutil.copyfile(next(frames.rglob("*.tar")), tmp_path / "a.tar")
    with pytest.raises(NotFound):
        TarSet(str(tmp_path))
    with pytest.raises(SpecError, match="not a pack"):
        PackedTokens(str(frames))[0]


def test_a_bucket_is_read_by_ranges_in_any_worker(
    tokens: Path, seaweedfs_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = make_bucket(seaweedfs_server)
    connection = Connection(endpoint=seaweedfs_server.endpoint)
    store = open_store(StoreRef(uri=f"s3://{name}/set", connection=connection), env=seaweedfs_server.env)
    for path in sorted(tokens.rglob("*")):
        if path.is_file():
            store.write(path.relative_to(tokens).as_posix(), path)
    for variable, value in seaweedfs_server.env.items():
        monkeypatch.setenv(variable, value)
    data = PackedTokens(f"s3://{name}/set", image_size=(8, 8), endpoint=seaweedfs_server.endpoint)
    here = PackedTokens(str(tokens), image_size=(8, 8))
    assert data[0].key == here[0].key  # a store was opened before the workers are forked
    loader = DataLoader(data, batch_size=None, num_workers=2)
    for one, other in zip(loader, [here[number] for number in range(len(here))], strict=True):
        assert torch.equal(one.input_ids, other.input_ids)
        assert torch.equal(one.images, other.images)
    assert os.getpid() == data.tars.place._process


class Tiny(nn.Module):
    """A language model of one layer that sees images as patches of their mean colour."""

    def __init__(self, vocabulary: int = 32003, width: int = 16) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(128, width)
        self.patches = nn.Linear(3, width)
        self.layer = nn.TransformerEncoderLayer(width, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, batch) -> torch.Tensor:
        seen = self.words(batch.input_ids) + self.places(batch.position_ids)
        colours = torch.cat([one.float().mean((2, 3)) / 255 for one in batch.images if len(one)])
        seen = seen.masked_scatter(
            (batch.input_ids == 32000)[..., None], self.patches(colours).repeat_interleave(PATCHES, 0)
        )
        hidden = within_documents(batch.document_ids).logical_not().repeat_interleave(2, 0)[:, 0]
        logits = self.head(self.layer(seen, src_mask=hidden))
        return nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), batch.labels[:, 1:].flatten(), ignore_index=IGNORED
        )


def test_a_tiny_model_learns_from_packed_tokens(tokens: Path) -> None:
    torch.manual_seed(0)
    data = PackedTokens(str(tokens), image_size=(8, 8))
    loader = DataLoader(data, batch_size=4, sampler=Order(data.tars.counts, seed=1), collate_fn=collate_packs)
    model = Tiny()
    steps = torch.optim.AdamW(model.parameters(), lr=0.02)
    losses = []
    for _ in range(8):
        for batch in loader:
            steps.zero_grad()
            loss = model(batch)
            loss.backward()
            steps.step()
            losses.append(loss.item())
    assert losses[-1] < losses[0] * 0.6


def test_a_tiny_model_learns_from_frames_in_tars(frames: Path) -> None:
    torch.manual_seed(0)
    data = FramesInTars(str(frames), size=(8, 12))
    loader = DataLoader(data, batch_size=2, sampler=Order(data.tars.counts), collate_fn=collate_frames)
    model = nn.Linear(4 * 3 * 8 * 12, 1)
    steps = torch.optim.AdamW(model.parameters(), lr=0.001)
    losses = []
    for _ in range(6):
        for batch in loader:
            steps.zero_grad()
            seen = batch.frames.flatten(1).float() / 255
            loss = nn.functional.mse_loss(model(seen), seen.mean(1, keepdim=True))
            loss.backward()
            steps.step()
            losses.append(loss.item())
    assert sum(losses[-4:]) < sum(losses[:4])
