"""A release tells what its section of the changelog says, and there is none without one."""

import re
from importlib.metadata import version

import pytest

from stockstream_generate import release_notes
from stockstream_generate.release_notes import ReleaseError, link_from_elsewhere, read_notes
from stockstream_generate.template_file import ROOT

CHANGELOG = """# Changes

## Unreleased

- Not yet.

## 0.2.0 (2027-01-04)

- New: `## is no heading` here.
- More.

### Upgrading

Nothing to do.

## 0.1.0 (2026-12-01)

- The first.

## 0.0.1 (2026-11-01)
"""


def test_a_release_has_its_own_section_to_the_next_heading() -> None:
    assert read_notes(CHANGELOG, "v0.2.0", "0.2.0") == (
        "- New: `## is no heading` here.\n- More.\n\n### Upgrading\n\nNothing to do.\n"
    )
    assert read_notes(CHANGELOG, "v0.1.0", "0.1.0") == "- The first.\n"


@pytest.mark.parametrize(
    ("tag", "packaged", "said"),
    [
        ("v0.2.1", "0.2.0", "tag v0.2.0, or change it"),
        ("0.2.0", "0.2.0", "tag v0.2.0, or change it"),
        ("v0.3.0", "0.3.0", 'no heading "## 0.3.0 (DATE)"'),
        ("v0.0.1", "0.0.1", "nothing below its heading '0.0.1 (2026-11-01)'"),
    ],
)
def test_a_tag_that_cannot_be_released_is_refused_with_what_to_do(tag: str, packaged: str, said: str) -> None:
    with pytest.raises(ReleaseError, match=re.escape(said)):
        read_notes(CHANGELOG, tag, packaged)


def test_a_link_to_a_file_leads_there_from_the_release_page_too() -> None:
    changes = "- [A](docs/a.md#b) and [c](https://c.test/d)\n- [e](e.md).\n"

    assert link_from_elsewhere(changes, "https://github.com/o/n/blob/v1/") == (
        "- [A](https://github.com/o/n/blob/v1/docs/a.md#b) and [c](https://c.test/d)\n"
        "- [e](https://github.com/o/n/blob/v1/e.md).\n"
    )


def test_the_version_of_the_packages_can_be_tagged() -> None:
    packaged = version("stockstream")

    assert read_notes(release_notes.CHANGELOG.read_text(encoding="utf-8"), f"v{packaged}", packaged)
    assert (ROOT / "tests" / "compatibility" / packaged / "records.jsonl").exists()
