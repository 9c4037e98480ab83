"""Front-end files of others: exactly the published ones, each with its licence, each named in NOTICE."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"

CHECKSUMS = {
    "dockview-8.6.0/LICENSE.md": "1d56757fdc06c9b33c0f80821efe4f4b11960dd7fb6544232cff61752101f513",
    "dockview-8.6.0/dockview-core.esm.min.mjs": "f0ac840298df43ff02949fbd47eddc9a90ab171820f9d4dfe9ef307e16b2dd88",
    "dockview-8.6.0/dockview.css": "72a757b4d2d0d0f1e38b928b1343c85a7b09766bb2dc2c16c9e3c880f231545d",
    "lightweight-charts-5.2.1/LICENSE": "70c9d5382506dd184465425c08a99ad9bd6d9ac1313c252968ba0b585e5ef823",
    "lightweight-charts-5.2.1/lightweight-charts.standalone.production.mjs": (
        "1bb1ee79f9d4dd17261b53d930f7a8995748276f80e7ba0e24412b5068062f5f"
    ),
}
"""SHA-256 by path under static/vendor/. A new version gets a new folder and new lines here."""

FOLDERS = sorted(path.name for path in VENDOR.iterdir())
TITLES = {"lightweight-charts": "Lightweight Charts", "dockview": "dockview"}
"""How NOTICE calls what a folder holds."""
LICENCES = {"lightweight-charts": "Apache License", "dockview": "MIT License"}


def name_and_version(folder: str) -> tuple[str, str]:
    """ "dockview-8.6.0" → its two parts."""
    match = re.fullmatch(r"(.+)-(\d+\.\d+\.\d+)", folder)
    assert match is not None, f"{folder} is not <name>-<version>"
    return match[1], match[2]


def test_every_vendored_file_is_the_published_one() -> None:
    files = [path for path in VENDOR.rglob("*") if path.is_file()]
    found = {str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert found == CHECKSUMS


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_vendored_library_brings_its_licence(folder: str) -> None:
    name, _ = name_and_version(folder)
    (licence,) = (path for path in (VENDOR / folder).iterdir() if path.stem == "LICENSE")
    opening = " ".join(licence.read_text().split())[:2_000]
    granted = {"Apache License": "Apache License Version 2.0", "MIT License": "Permission is hereby granted"}
    assert granted[LICENCES[name]] in opening


@pytest.mark.parametrize("folder", FOLDERS)
def test_notice_names_every_vendored_library_its_version_and_licence(folder: str) -> None:
    name, version = name_and_version(folder)
    paragraphs = (ROOT / "NOTICE").read_text().split("\n\n")
    (paragraph,) = (text for text in paragraphs if f"static/vendor/{folder}/" in text)
    assert re.search(rf"{TITLES[name]}\S* {re.escape(version)} ", paragraph)
    assert LICENCES[name] in paragraph
    assert "Copyright (c)" in paragraph


def test_notice_names_no_library_that_is_gone() -> None:
    named = re.findall(r"static/vendor/([^/):\s]+)/", (ROOT / "NOTICE").read_text())
    assert sorted(named) == FOLDERS


def test_pages_ask_for_vendored_files_that_are_there() -> None:
    pages = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    asked = set(re.findall(r"'vendor/([^']+)'", pages))
    assert asked
    assert asked <= set(CHECKSUMS)
