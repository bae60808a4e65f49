"""Streams that can be read only once."""

import io


class Pipe(io.RawIOBase):
    """Bytes that arrive once, a few at a time."""

    def __init__(self, content: bytes, at_once: int = 7) -> None:
        self._remaining = io.BytesIO(content)
        self._at_once = at_once

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        chunk = self._remaining.read(min(self._at_once, len(buffer)))
        buffer[: len(chunk)] = chunk
        return len(chunk)


class TextPipe(io.StringIO):
    """Text that cannot be read again."""

    def seekable(self) -> bool:
        return False


class BytePipe(io.BytesIO):
    """Bytes that cannot be read again."""

    def seekable(self) -> bool:
        return False
