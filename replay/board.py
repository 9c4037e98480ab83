"""The assets on a replay's metrics board: all that are offered, stored or not."""

from datetime import timedelta

from django.db.models import Exists, OuterRef

from market import tapes
from market.access import offered
from market.engine.tape import Piece
from market.models import Asset, Coverage, Job
from market.schemas import SECONDS
from market.sessions import Session, to_et
from market.store import DamagedPiece
from ranks import access, series, services
from workspace.board import Line, job_of

ONE_DAY, LONGEST_SESSION = timedelta(days=1), timedelta(days=5)
"""A session that holidays make longer is named by its last day."""


def find(playhead_ns: int) -> list[Line]:
    """All assets at a playhead, by root: their session, where it is stored, and the job that is at them."""
    day = to_et(playhead_ns).date()
    near = Coverage.objects.filter(
        contract__asset=OuterRef("pk"), schema=SECONDS.name, trade_date__range=(day - ONE_DAY, day + LONGEST_SESSION)
    )
    going = services.going()
    return [
        _line(asset, asset.sessions.at(playhead_ns), going.get(asset.root), is_near=asset.is_near)
        for asset in offered().annotate(is_near=Exists(near)).order_by("root")
    ]


def _line(asset: Asset, session: Session | None, job: Job | None, *, is_near: bool) -> Line:
    piece = _piece(asset, session) if session is not None and is_near else None
    return Line(asset, session, piece, **job_of(job))


def _piece(asset: Asset, session: Session) -> Piece | None:
    contract = series.front_contracts(asset, [session]).get(session.trade_date)
    if contract is None:
        return None
    try:
        return tapes.stored_piece(contract, session)
    except DamagedPiece:
        return None


def fetch_all(playhead_ns: int, lookback_days: int, owner_id: int) -> int:
    """Have the sessions at a moment, and their lookbacks, of all assets made ready; of how many that was asked."""
    count = 0
    for line in find(playhead_ns):
        if line.session is None or line.asset.from_files:
            continue
        day = line.session.trade_date
        if line.piece is not None and access.reach(line.asset, day, lookback_days).summarised:
            continue
        until = day + ONE_DAY
        services.ready_for(asset=line.asset, until=until, lookback_days=lookback_days, asked_by_id=owner_id)
        count += 1
    return count
