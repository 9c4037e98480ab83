"""How live stands, told so that it is true also when the feed is dead.

The supervisor writes the state once a second; who reads it holds it against the clock. Times are UTC ns: of the market
where the name says so, else of this installation's clock.
"""

import json
import time
from typing import Any

from redis.exceptions import RedisError

from live import history
from live.engine.standing import OFF, STALE_NS
from live.models import FeedEvent
from market.locks import is_locked

LOCK = ("live",)
"""The advisory lock of the one supervisor that works."""
EVENTS = 50
FOR_STAFF = ("gateway_said", "why", "refusal", "restarts", "problems", "pid")

ADVICE = {
    "auth": "The key was refused. Check DATABENTO_API_KEY and start futsim again.",
    "limit": "All live sessions of this key are in use. Close the other programs that use it, or ask Databento for "
    "more; futsim tries again by itself.",
    "other": "futsim tries again by itself.",
}
"""What to do, by the kind of a refusal."""


def write(state: dict[str, Any]) -> None:
    """Keep the state. Raises RedisError."""
    history.client().set(history.name("state"), json.dumps(state))


def read() -> dict[str, Any]:
    """The state as the supervisor wrote it last, and beside it what can be said of it now.

    feed: "live", "replaying" (catching up), "connecting", "no feed" (the process runs without a session), or "off"
    (no supervisor). words: that in a sentence.
    """
    try:
        stored = history.client().get(history.name("state"))
    except (RedisError, OSError):
        return {"feed": "off", "words": "The state cannot be read: Valkey does not answer."}
    state: dict[str, Any] = json.loads(stored) if stored else {}
    age_ns = time.time_ns() - int(state.get("at_ns", 0))
    if not stored or age_ns > STALE_NS:
        return state | OFF
    return state | {"feed": feed_of(state), "words": words(state)}


def left() -> dict[str, Any]:
    """The state as it was written last, whoever wrote it; empty where it cannot be read."""
    try:
        stored = history.client().get(history.name("state"))
    except (RedisError, OSError):
        return {}
    return dict(json.loads(stored)) if stored else {}


def market_now_ns() -> int:
    """What time it is in the market (UTC ns): behind this installation's clock where the stand-in shows another day."""
    return time.time_ns() - int(left().get("shift_ns") or 0)


def for_all() -> dict[str, Any]:
    """What every user may see, as the topic tells it."""
    return shown_to_all(read()) | {"kind": "state"}


def shown_to_all(state: dict[str, Any]) -> dict[str, Any]:
    """The state without what only staff see."""
    return {name: value for name, value in state.items() if name not in FOR_STAFF}


def for_user(*, is_staff: bool) -> dict[str, Any]:
    """What /api/live/status answers. Staff see the gateway's words, the reasons of restarts and the last events."""
    state = read()
    if not is_staff:
        return shown_to_all(state)
    events = FeedEvent.objects.all()[:EVENTS]
    said = [{"at": each.at.isoformat(), "kind": each.kind, "text": each.text} for each in events]
    return state | {"events": said, "has_singleton": is_locked(*LOCK)}


def feed_of(state: dict[str, Any]) -> str:
    """The one word for how the feed stands."""
    phase = state.get("phase")
    if phase == "streaming" and state.get("records"):
        return "live" if state.get("is_live") else "replaying"
    return "connecting" if phase in ("starting", "connecting", "streaming") else "no feed"


def words(state: dict[str, Any]) -> str:
    """How it stands, for people. Whether anything trades is said beside it, of each asset."""
    feed = feed_of(state)
    if feed == "live":
        quiet = not any(asset["is_open"] for asset in state.get("assets", {}).values())
        return "The feed is up; all markets are closed." if quiet else "The feed is up."
    if feed == "replaying":
        return "The feed is up and catches up with the market."
    refusal = state.get("refusal")
    if refusal:
        return f"The gateway says: {refusal['words'].rstrip('.')}. {ADVICE[refusal['kind']]}"
    if feed == "connecting":
        return "Connecting to the gateway."
    if state.get("phase") == "stopped":
        return "There is no feed: the live process was stopped."
    return f"There is no feed: {state.get('why') or 'it has not started'}. futsim tries again by itself."
