"""Telling what alerts fired, after it is committed: pages by the hub's topics, workers by their queue."""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from alerts import tasks, topics
from alerts.models import AlertFiring
from live import history
from live.topics import Packed, packed

log = logging.getLogger(__name__)


class AlertTeller:
    """What it cannot tell is logged: a page that is not reached looks at the rows, and so does the worker."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def stop(self) -> None:
        """Let go of the event loop."""
        self._runner.close()

    def tell(self, firings: Sequence[AlertFiring]) -> None:
        """These have fired."""
        if firings:
            self.publish((topics.whose(each.owner_id), topics.firing_body(each, each.asset.root)) for each in firings)
        for firing in firings:
            if firing.webhook or firing.mail:
                _hand_over(firing)

    def publish(self, messages: Iterable[topics.Message]) -> None:
        """Many messages in one turn with Valkey."""
        pipe = history.client().pipeline(transaction=False)
        for channel, message in self._runner.run(_packed(messages)):
            pipe.publish(channel, message)
        try:
            pipe.execute()
        except (RedisError, OSError) as problem:
            log.warning("alerts: not told (%s)", problem)


def _hand_over(firing: AlertFiring) -> None:
    try:
        tasks.deliver.delay(firing.pk)
    except (BrokerError, RedisError, OSError) as problem:
        log.warning("firing %s: not handed to the worker (%s)", firing.pk, problem)


async def _packed(messages: Iterable[topics.Message]) -> list[Packed]:
    # the layer packs in an event loop only
    return [packed(*each) for each in messages]
