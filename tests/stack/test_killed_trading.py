"""The web process killed in the midst of trading: nothing that was acknowledged or shown is lost or doubled."""

import asyncio
import os
import random
import re
import signal
from collections.abc import Callable

from tests.product import Up
from tests.stack.test_running import command
from tests.trader import Trader, a_weekday_ago

KILLS = 3


def test_what_was_acknowledged_or_shown_survives_kills_of_the_web_process(start: Callable[..., Up]) -> None:
    up = start().ready()
    trader = asyncio.run(trade_through_kills(up))
    result = command(up, "check_takes")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "the same again" in result.stdout
    logged = command(up, "shell", "-c", LOGGED).stdout.split("LOGGED", 1)[1].split()
    assert len(logged) == len(set(logged))
    assert trader.acknowledged <= set(logged)
    assert trader.acknowledged


LOGGED = """
from trading.models import LoggedCommand
print("LOGGED", *LoggedCommand.objects.order_by("seq").values_list("name", flat=True))
"""


async def trade_through_kills(up: Up) -> Trader:
    """Trade at 50 times the speed; the web process is killed now and then, at any moment of it."""
    found = re.search(r"created user demo with password (\S+)", up.output)
    assert found
    chance = random.Random(5)
    async with Trader(up.url, found[1]) as trader:
        await trader.log_in()
        await trader.open_replay(entry_date=a_weekday_ago().isoformat())
        await trader.connect()
        await trader.listen(lambda: trader.state == "ready" and bool(trader.clock))
        await trader.send(type="speed", value=50)
        await trader.send(type="play")
        sent = 0
        for _ in range(KILLS):
            await trader.listen(lambda: bool(trader.clock))
            moment = asyncio.get_running_loop().time() + chance.uniform(1.0, 3.0)
            killer = asyncio.create_task(kill_at(moment, up.pid_of("daphne")))
            shown: dict[int, tuple[str, int]] = {}
            try:
                while True:
                    sent += 1
                    await one_order(trader, f"o{sent}", chance)
                    shown |= {number: (fill["ns"], fill["price"]) for number, fill in trader.fills.items()}
            except (ConnectionError, OSError):
                await killer
            await trader.connect()
            await trader.listen(lambda known=dict(shown): known.keys() <= trader.fills.keys())
            assert {number: (trader.fills[number]["ns"], trader.fills[number]["price"]) for number in shown} == shown
            await trader.send(type="play")
        return trader


async def one_order(trader: Trader, name: str, chance: random.Random) -> None:
    side = chance.choice(["buy", "sell"])
    await trader.send(type="order.submit", id=name, order={"side": side, "quantity": 1})
    await trader.listen(lambda: name in trader.acknowledged)
    if chance.random() < 0.3:
        await trader.send(type="flatten", id=f"{name}f")
        await trader.listen(lambda: f"{name}f" in trader.acknowledged)


async def kill_at(moment: float, pid: int) -> None:
    await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))
    os.kill(pid, signal.SIGKILL)
