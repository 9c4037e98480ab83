"""One log file per child, of bounded size, kept for the last three starts."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

KEPT = 3
LARGEST = 20_000_000
"""Bytes of one file: a day of a busy web server's requests, which still opens in any editor."""
TAIL = 16_384


class Log:
    """A child's output, appended to `<folder>/<name>.log`; `.1` and `.2` are earlier ones."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / f"{name}.log"
        self._start = 0

    def rotate(self) -> None:
        """Moves the log of an earlier start aside."""
        for age in range(KEPT - 1, 0, -1):
            older = self._aged(age - 1)
            if older.exists():
                older.replace(self._aged(age))

    def _aged(self, age: int) -> Path:
        return self.file.with_suffix(f".log.{age}") if age else self.file

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The file for a child's output, which goes on in the child after our own copy is closed."""
        with self.file.open("ab") as stream:
            yield stream

    def mark(self) -> None:
        """What comes from now on belongs to the process that starts next."""
        self._start = self.file.stat().st_size if self.file.exists() else 0

    def text(self) -> str:
        """The output since the mark, at most the last 16 KB of it."""
        if not self.file.exists():
            return ""
        with self.file.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(min(self._start, size), size - TAIL))
            return stream.read().decode(errors="replace")

    def last_lines(self, count: int) -> list[str]:
        """The last lines that are not blank."""
        return [line.rstrip() for line in self.text().splitlines() if line.strip()][-count:]

    def trim(self) -> None:
        """Starts the file anew when it has grown too large, keeping the old text as `.1`.

        The child goes on writing to the same open file, therefore copy and truncate; a line that it writes in
        between is lost."""
        if self.file.exists() and self.file.stat().st_size > LARGEST:
            shutil.copyfile(self.file, self._aged(1))
            with self.file.open("r+b") as stream:
                stream.truncate(0)
            self._start = 0
