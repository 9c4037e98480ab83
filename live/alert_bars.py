"""The bars that alerts are evaluated on: the sessions that live holds, read on from where they were left."""

from collections.abc import Mapping
from dataclasses import dataclass

from live import history
from live.engine.growing import Growing
from live.engine.ledger import TAIL
from live.history import SessionKey
from market.models import Asset
from market.sessions import Session


@dataclass(slots=True)
class Held:
    """A session in progress. session: as the calendar has it. key: as live holds it."""

    key: SessionKey
    session: Session
    bars: Growing


class HeldBars:
    """The sessions of several assets that live holds, each ascending by root."""

    def __init__(self) -> None:
        self.sessions: dict[str, list[Held]] = {}

    def read(self, assets: Mapping[str, Asset]) -> None:
        """Have all bars that live holds now. Raises RedisError."""
        for root, keys in history.sessions_of(list(assets)).items():
            self.sessions[root] = list(self._known(assets[root], keys))
        held = [each for sessions in self.sessions.values() for each in sessions]
        # what is further back does not change any more
        wanted = [(each.key, max(0, each.bars.count - TAIL)) for each in held]
        for each, (_, index), bars in zip(held, wanted, history.read_all(wanted), strict=True):
            each.bars.put(index, bars, None)

    def _known(self, asset: Asset, keys: list[SessionKey]) -> list[Held]:
        before = {each.key.trade_date: each for each in self.sessions.get(asset.root, [])}
        found = []
        for key in keys:
            session = asset.sessions.session(key.day)
            if session is None:
                continue
            held = before.get(key.trade_date)
            if held is None or held.key.contract_id != key.contract_id:
                held = Held(key, session, Growing(session, key.symbol, history.read(key)))
            held.key = key
            found.append(held)
        return found
