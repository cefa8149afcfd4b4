"""The code in the pages runs, and the commands in them exist."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import typer.main
from attrs import evolve

from experiments.cli import app
from experiments.pi_curve import config
from experiments.pi_curve.cell import cells_of, run_cell
from experiments.pi_curve.measures import ROLES
from tests.docs.pages import PAGES, ROOT, commands, files, runs

# Run by tests of their own, with what they need: a module to import, an extra, or a configuration made smaller.
ELSEWHERE = {"order-flow-imbalance.md", "routing.md", "smart-order-router.md", "sweeps.md"}
TESTED_HERE = [page for page in PAGES if page.name not in ELSEWHERE]
AT_LEAST = {
    "first-run.md": 2,
    "reading-the-report.md": 1,
    "replay-your-data.md": 4,
    "write-a-venue.md": 3,
    "write-an-agent.md": 2,
}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_is_run_or_is_a_file(page: Path):
    text = text_of(page)
    python = [path for path in files(text) if path.endswith(".py")]
    assert text.count("```python") == len(runs(text)) + len(python)
    assert len(runs(text)) >= AT_LEAST.get(page.name, 0)


@pytest.mark.parametrize("page", sorted(ELSEWHERE))
def test_what_is_run_elsewhere_is(page: str):
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    assert any(f'"{page}"' in text_of(path) for path in tests), f"no test reads {page}"


@pytest.mark.parametrize("name", ["centre.toml", "demo.toml"])
def test_every_column_of_a_study_has_its_line(name: str):
    study = evolve(config.load(name), horizon=1000)
    columns = run_cell(study, cells_of(study)[0])[0]
    page = text_of(ROOT / "docs" / "reading-the-report.md")
    said = [name for row in re.findall(r"^\| (`.+?`) \|", page, re.MULTILINE) for name in re.findall(r"`(.+?)`", row)]
    part, role = r"(opening|age)_\d+_(\d+|end)", "(" + "|".join((*ROLES, "fees")) + ")"
    known = [re.sub("AGENT", "[a-z0-9-]+", name).replace("opening_A_B", part).replace("age_A_B", part) for name in said]
    known = [re.sub(r"_H$", r"_\\d+", re.sub(r"(?<![A-Z])R(?![A-Z])", role, name)) for name in known]
    pattern = re.compile("|".join([*known, f"lp_(fills|lots)_({part}|against_{role})"]))
    assert not sorted(name for name in columns if not pattern.fullmatch(name))


@pytest.mark.parametrize("page", TESTED_HERE, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page: Path, tmp_path, monkeypatch, capsys):
    text = text_of(page)
    for path, content in files(text).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_market"]:
        monkeypatch.delitem(sys.modules, name)
    space: dict[str, object] = {"__name__": "page"}
    for name, block in runs(text).items():
        exec(compile(block, f"{page.name}:{name}", "exec"), space)  # noqa: S102 - our own text
        assert "Traceback" not in capsys.readouterr().out


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.name)
def test_the_commands_of_a_page_exist(page: Path):
    for arguments in commands(text_of(page)):
        known(arguments)


def test_a_command_that_does_not_exist_is_found():
    for wrong in ("marketsim pi-curves", "marketsim sor --quantty 5", "marketsim check venues --deeper"):
        with pytest.raises(AssertionError):
            known(commands(f"```sh\n{wrong}\n```")[0])


def known(arguments: list[str]) -> None:
    """Subcommands and options exist; the words that are no options are taken for values."""
    command, words = typer.main.get_command(app), list(arguments)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if ":" in words[0]:  # `marketsim sweep module:function` is `marketsim sweep run module:function`
            words.insert(0, "run")
        assert words[0] in command.commands, f"no command {words[0]!r} in {arguments}"
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        if re.match(r"--?[a-zA-Z]", word):
            assert word.partition("=")[0] in options | {"--help"}, f"no option {word!r} in {arguments}"
