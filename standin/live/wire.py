"""The gateway's end of one connection."""

import asyncio
import socket
import struct

import zstandard

from standin.live.parcel import Parcel

MOST_BUFFERED = 1 << 18
"""A client that leaves more bytes than this unread makes the sender wait."""
RECORDS_PER_WRITE = 4_096
COMPRESSION_LEVEL = 1
_LINGER_NOT = struct.pack("ii", 1, 0)


class Wire:
    """Sends lines, then a DBN stream that is compressed or carries sending times where the client asked for it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._compressor: zstandard.ZstdCompressionObj | None = None
        self._ts_out = False
        self._dribble = (0, 0)
        self.last_sent_ns = 0
        self.waited_s = 0.0
        """For how long the last parcel waited for the client to read."""
        writer.transport.set_write_buffer_limits(high=MOST_BUFFERED)
        self._set_option(socket.SO_SNDBUF, MOST_BUFFERED)

    def dribble(self, size: int, pause_ms: int) -> None:
        """From now on write so many bytes at a time, with pauses."""
        self._dribble = (size, pause_ms)

    async def line(self, text: str) -> None:
        await self.write(f"{text}\n".encode())

    async def begin(self, header: bytes, now_ns: int, *, compressed: bool, ts_out: bool) -> None:
        self._ts_out, self.last_sent_ns = ts_out, now_ns
        if compressed:
            self._compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compressobj()
        await self.write(self._squeezed(header))

    async def send(self, parcel: Parcel, now_ns: int) -> None:
        """Send records, each at once: the end of a compressed block is the end of a record."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for start in range(0, len(parcel), RECORDS_PER_WRITE):
            part = parcel[start : start + RECORDS_PER_WRITE]
            await self.write(self._squeezed(part.wire_with_ts_out(now_ns) if self._ts_out else part.wire()))
        self.waited_s = loop.time() - begun
        self.last_sent_ns = now_ns

    async def write(self, data: bytes) -> None:
        size, pause_ms = self._dribble
        for start in range(0, len(data), size or len(data) or 1):
            self._writer.write(data[start : start + size] if size else data)
            await self._writer.drain()
            if size:
                await asyncio.sleep(pause_ms / 1_000)

    def _squeezed(self, data: bytes) -> bytes:
        if self._compressor is None:
            return data
        return self._compressor.compress(data) + self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    async def close(self, patience_s: float) -> None:
        """End the connection after what was written, or after so long if the client does not read it."""
        self._writer.close()
        try:
            await asyncio.wait_for(self._writer.wait_closed(), patience_s)
        except TimeoutError:
            self._writer.transport.abort()
        except OSError:  # the client ended it
            pass

    def reset(self) -> None:
        """End the connection at once with RST."""
        self._set_option(socket.SO_LINGER, _LINGER_NOT)
        self._writer.transport.abort()

    def _set_option(self, option: int, value: int | bytes) -> None:
        connection = self._writer.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, option, value)
