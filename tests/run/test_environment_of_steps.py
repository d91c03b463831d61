"""Steps on this machine, and the user's code in them, get the credentials that the pipeline needs, and no others."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import host
from cli.terminal import reelmill
from reelmill.contract.process.step_environment import step_environment
from reelmill.contract.text.redaction import is_secret
from run.test_run_stage import films, importable, pipeline

__all__ = ["importable"]
KEPT = {
    "AWS_SECRET_ACCESS_KEY": "canary-of-the-store",
    "RAW_AWS_SECRET_ACCESS_KEY": "canary-of-a-source",
    "NAMED_API_KEY": "canary-of-the-pipeline",
    "HTTP_CACHE": "canary-of-a-setting",
}
LEFT_OUT = {
    "OPENLINEAGE_API_KEY": "canary-of-openlineage",
    "OPENLINEAGE__TRANSPORT__AUTH__APIKEY": "canary-of-openlineage-too",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=canary-of-the-collector",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=canary-of-traces",
    "GITHUB_TOKEN": "canary-of-another-tool",
    "DATABASE_PASSWORD": "canary-of-a-database",
    "REELMILL_NEXT": "left-over-of-another-step",
    "REELMILL_RUN_REPORT": "left-over-of-another-run",
}
PEEK = """
import os
from pathlib import Path
from facts import Facts, FactsBlock

__reelmill__ = ["Peek"]

class PeekBlock(FactsBlock):
    out: str
    processes: str

class Peek(Facts):
    block_type = PeekBlock

    def process(self, group, work):
        given = [Path(self.block.processes, str(pid), "environ") for pid in (os.getpid(), os.getppid())]
        seen = [repr(dict(os.environ)), *(path.read_text() for path in given if path.exists())]
        Path(self.block.out).write_text("\\n".join(seen))
        return super().process(group, work)
"""


@pytest.mark.store
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_code_of_a_run_stage_sees_no_credentials_but_those_that_the_pipeline_needs(
    method: str, tmp_path: Path, importable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (KEPT | LEFT_OUT | {"REELMILL_START_METHOD": method}).items():
        monkeypatch.setenv(name, value)
    (importable / "peek.py").write_text(PEEK)
    films(tmp_path)
    (tmp_path / "films" / "broken.mp4").unlink()
    path = pipeline(
        tmp_path,
        entrypoint="peek:Peek",
        params={"out": str(tmp_path / "seen"), "processes": str(host.PROC), "minWidth": 8},
    )
    body = yaml.safe_load(path.read_text())
    body["spec"]["stages"][0]["env"] = [{"name": "NAMED_API_KEY", "secretRef": {"name": "any"}, "key": "any"}]
    body["spec"]["stages"] = body["spec"]["stages"][:1]
    path.write_text(yaml.safe_dump(body))
    ran = reelmill("run", path, "-q")
    assert ran.code == 0, ran.err
    own, *_ = (tmp_path / "seen").read_text().splitlines()
    assert [value for value in KEPT.values() if value not in own] == []
    assert [value for value in LEFT_OUT.values() if value in (tmp_path / "seen").read_text()] == []


NAMES = (
    st.sampled_from([*KEPT, *LEFT_OUT, "PATH", "GOOGLE_APPLICATION_CREDENTIALS", "_1_AWS_SESSION_TOKEN"]) | st.text()
)


@given(st.dictionaries(NAMES, st.text()), st.sets(NAMES))
def test_what_is_named_like_a_credential_is_of_a_store_or_named_by_the_pipeline(
    shell: dict[str, str], named: set[str]
) -> None:
    kept = step_environment(shell, named)
    assert kept.items() <= shell.items()
    assert named & shell.keys() <= kept.keys()
    stores = ("AWS_", "AZURE_", "GOOGLE_", "HF_", "IDENTITY_", "MSI_", "CLOUDSDK_")
    for name in kept.keys() - named:
        assert not name.startswith(("OPENLINEAGE_", "OTEL_EXPORTER_OTLP_"))
        assert not is_secret(name) or any(store in name for store in stores)
    others = ("OPENL", "OTEL_", "REELMILL_")
    assert {name for name in shell if not is_secret(name) and not name.startswith(others)} <= kept.keys()
