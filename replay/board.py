"""The assets on a replay's metrics board: every one whose session at the playhead is stored."""

from datetime import timedelta

from django.db.models import Exists, OuterRef

from market import tapes
from market.access import offered
from market.models import Asset, Coverage
from market.schemas import SECONDS
from market.sessions import Session, to_et
from market.store import DamagedPiece
from ranks import series, services
from workspace.board import Line

ONE_DAY, LONGEST_SESSION = timedelta(days=1), timedelta(days=5)
"""A session that holidays make longer is named by its last day."""


def find(playhead_ns: int) -> list[Line]:
    """The assets whose session at the playhead is stored."""
    day = to_et(playhead_ns).date()
    near = Coverage.objects.filter(
        contract__asset=OuterRef("pk"), schema=SECONDS.name, trade_date__range=(day - ONE_DAY, day + LONGEST_SESSION)
    )
    lines = (_line_at(asset, playhead_ns) for asset in offered().filter(Exists(near)))
    return [line for line in lines if line is not None]


def _line_at(asset: Asset, playhead_ns: int) -> Line | None:
    session = asset.sessions.at(playhead_ns)
    return None if session is None else _line(asset, session)


def _line(asset: Asset, session: Session) -> Line | None:
    contract = series.front_contracts(asset, [session]).get(session.trade_date)
    if contract is None:
        return None
    try:
        piece = tapes.stored_piece(contract, session)
    except DamagedPiece:
        return None
    return None if piece is None else Line(asset, session, piece)


def fetch_all(playhead_ns: int, lookback_days: int, owner_id: int) -> int:
    """Have the sessions at a moment, and their lookbacks, of all assets made ready; of how many that was asked."""
    count = 0
    here = {line.asset.pk for line in find(playhead_ns)}
    for asset in offered().filter(from_files=False).exclude(pk__in=here):
        session = asset.sessions.at(playhead_ns)
        if session is None:
            continue
        until = session.trade_date + ONE_DAY
        services.ready_for(asset=asset, until=until, lookback_days=lookback_days, asked_by_id=owner_id)
        count += 1
    return count
