"""What a drill has played so far, so that one that was stopped goes on."""

import pickle
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from shutil import rmtree


class NothingKeptError(Exception):
    """There is no drill to go on with; the text says why."""


class Kept:
    """A folder with the seeds of a drill, and what came of each.

    Args:
        folder: its own, which is emptied where a new drill begins.
        code: folders, whose Python files a day depends on.
    """

    def __init__(self, folder: Path, code: Iterable[Path]) -> None:
        self._folder = folder
        digest = sha256()
        for path in sorted(path for each in code for path in each.rglob("*.py")):
            digest.update(path.read_bytes())
        self._code = digest.hexdigest()

    def begin(self, seeds: Sequence[int]) -> None:
        """A new drill."""
        if self._folder.exists():
            rmtree(self._folder)
        self._folder.mkdir(parents=True)
        (self._folder / "drill").write_bytes(pickle.dumps((self._code, list(seeds))))

    def resume(self) -> list[int]:
        """The seeds of the drill that was begun last.

        Raises:
            NothingKeptError: there is none, or the code is another since.
        """
        try:
            code, seeds = pickle.loads((self._folder / "drill").read_bytes())  # noqa: S301 (written here)
        except FileNotFoundError:
            raise NothingKeptError("no drill was begun: leave --resume out") from None
        if code != self._code:
            raise NothingKeptError(
                "the code has changed since the drill was begun, so that its days would be others: "
                "leave --resume out"
            )
        return list(seeds)

    def outcome[Outcome](self, name: str, play: Callable[[], Outcome]) -> Outcome:
        """What came of one part of the drill: as it is kept, or else played, and kept."""
        path = self._folder / name
        if path.exists():
            kept: Outcome = pickle.loads(path.read_bytes())  # noqa: S301 (written here)
            return kept
        outcome = play()
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(pickle.dumps(outcome))
        unfinished.replace(path)
        return outcome
