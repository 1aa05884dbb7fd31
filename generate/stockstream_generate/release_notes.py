"""What has changed in a release: its section of CHANGELOG.md. Run as a module it prints that of a tag."""

import os
import re
import sys
from importlib.metadata import version

from stockstream_generate.template_file import ROOT

CHANGELOG = ROOT / "CHANGELOG.md"


class ReleaseError(Exception):
    """A tag cannot be released; the text says why, and what to do."""


def read_notes(changelog: str, tag: str, packaged: str) -> str:
    """What has changed in a release.

    Args:
        changelog: the text of CHANGELOG.md; a release is a heading `## 0.1.0 (2026-12-01)`.
        tag: the release's tag, such as `v0.1.0`.
        packaged: the version that the packages bear.

    Raises:
        ReleaseError: the tag is not that of the packages, or the changelog does not tell of it.
    """
    if tag != f"v{packaged}":
        raise ReleaseError(
            f"The tag is {tag!r} and pyproject.toml says {packaged}: tag v{packaged}, or change it."
        )
    for section in re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]:
        heading, _, text = section.partition("\n")
        if heading.split(" ")[0] == packaged:
            if not text.strip():
                raise ReleaseError(f"CHANGELOG.md says nothing below its heading {heading!r}.")
            return text.strip() + "\n"
    raise ReleaseError(
        f'CHANGELOG.md has no heading "## {packaged} (DATE)": rename "Unreleased", and begin a new one.'
    )


def link_from_elsewhere(changes: str, files_url: str) -> str:
    """The changes for a page outside of the repository: links to its files begin with an address.

    Args:
        changes: Markdown.
        files_url: the address of the repository's root at the tag, with a slash at its end.
    """
    return re.sub(r"\]\((?!https?://|#)", f"]({files_url}", changes)


if __name__ == "__main__":
    try:
        told = read_notes(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1], version("stockstream"))
        if repository := os.environ.get("GITHUB_REPOSITORY"):
            # On a release's page GitHub takes a relative link for one beside that page.
            told = link_from_elsewhere(told, f"https://github.com/{repository}/blob/{sys.argv[1]}/")
        sys.stdout.write(told)
    except ReleaseError as error:
        sys.exit(f"release: {error}")
