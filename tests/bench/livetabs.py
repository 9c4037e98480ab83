"""Pages at live in a process of their own, so that their work is not the server's: `python -m tests.bench.livetabs`.

It takes a plan as JSON, connects that many sockets, reads each as a browser does, and prints how old the newest print
was in each message that told one.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass

import aiohttp
import msgspec

ACK_AFTER, ACK_SECONDS = 20, 1.0
"""As static/js/net/socket.js."""
_decoder = msgspec.json.Decoder()


@dataclass(frozen=True)
class Plan:
    """start_ns at begun_ns (monotonic) and speed: the market's clock. stalled: pages that never read."""

    url: str
    cookie: str
    roots: list[str]
    count: int
    stalled: int
    start_ns: int
    begun_ns: int
    speed: float
    warm_up: float
    seconds: float

    def age_ms(self, ns: int) -> float:
        """How long ago that was, in ms of a real clock."""
        now = self.start_ns + (time.monotonic_ns() - self.begun_ns) * self.speed
        return (now - ns) / self.speed / 1e6

    def text(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))


@dataclass
class Seen:
    """ages: ms, one for each message with another last print. messages: all of them."""

    ages: list[float]
    messages: int = 0
    is_counting: bool = False


async def _read(wire: aiohttp.ClientWebSocketResponse, plan: Plan, seen: Seen) -> None:
    acked, acked_at = 0, time.monotonic()
    async for event in wire:
        message = _decoder.decode(event.data)
        if seen.is_counting:
            seen.messages += 1
            last = message.get("last")
            if last:
                seen.ages.append(plan.age_ms(int(last["t"])))
        if message["seq"] - acked >= ACK_AFTER or time.monotonic() - acked_at >= ACK_SECONDS:
            acked, acked_at = message["seq"], time.monotonic()
            await wire.send_str(f'{{"type":"ack","seq":{acked}}}')


async def _run(plan: Plan) -> Seen:
    seen = Seen([])
    headers = {"Cookie": f"sessionid={plan.cookie}", "Origin": plan.url}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        wires, reading = [], []
        for number in range(plan.count + plan.stalled):
            wire = await session.ws_connect(plan.url.replace("http", "ws") + "/ws/live/", max_msg_size=0)
            root = plan.roots[number % len(plan.roots)]
            hello = {"type": "hello", "root": root, "charts": [{"chart": "main", "timeframe": "1m"}]}
            await wire.send_str(json.dumps(hello))
            if number < plan.count:
                wires.append(wire)
                reading.append(asyncio.create_task(_read(wire, plan, seen)))
        await asyncio.sleep(plan.warm_up)
        seen.is_counting = True
        await asyncio.sleep(plan.seconds)
        seen.is_counting = False
        ended = [wire.close_code for wire, task in zip(wires, reading, strict=True) if task.done()]
        assert not ended, f"{len(ended)} pages were cut off: {Counter(ended)}"
        for task in reading:
            task.cancel()
    return seen


def main() -> None:
    seen = asyncio.run(_run(Plan(**json.loads(sys.argv[1]))))
    sys.stdout.write(json.dumps({"ages": sorted(seen.ages), "messages": seen.messages}))


if __name__ == "__main__":
    main()
