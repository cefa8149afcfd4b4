"""A folder of results shows when one of its bytes has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.manifest import damage, manifest, write_manifest
from marketsim import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cells = pd.DataFrame({"seed": [1, 2], "gain": [0.5, -1.25]})
    cells.to_csv(tmp_path / "cells.csv")
    (tmp_path / "summary.md").write_text("# A study\n")
    files = [tmp_path / "cells.csv", tmp_path / "summary.md"]
    whole = manifest({"horizon": 10}, cells, files)
    write_manifest(tmp_path / "manifest.json", whole | {"plugins": whole["plugins"][:1]})  # of many alike
    return tmp_path


def test_a_whole_folder_has_no_damage(folder: Path):
    assert damage(folder) == (2, [])


def test_every_flipped_byte_of_every_file_is_found_and_its_file_named(folder: Path):
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            try:
                problems = damage(folder)[1]
            except InputError as error:
                problems = [str(error)]
            assert any(path.name in problem for problem in problems), (path.name, place)
        path.write_bytes(whole)
    assert damage(folder) == (2, [])


def test_a_missing_file_is_named_and_an_edited_manifest_is_found(folder: Path):
    (folder / "summary.md").unlink()
    [problem] = damage(folder)[1]
    assert "summary.md: got no such file" in problem
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    del content["files"]["summary.md"]
    path.write_text(json.dumps(content, indent=2) + "\n")
    [problem] = damage(folder)[1]
    assert "manifest.json" in problem


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3, "digest": ""}', "[" * 100_000, "\udcff"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str):
    (tmp_path / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=r"manifest\.json: got .*, wanted the manifest of a study"):
        damage(tmp_path)
    with pytest.raises(InputError):
        damage(tmp_path / "nowhere")


def test_the_command_says_what_is_damaged(folder: Path):
    done = CliRunner().invoke(app, ["verify", str(folder)])
    assert (done.exit_code, done.output) == (0, "2 files and the manifest, 0 problems\n")
    (folder / "summary.md").write_text("# Another study\n")
    done = CliRunner().invoke(app, ["verify", str(folder)])
    assert done.exit_code == 1
    assert "summary.md: got " in done.output
