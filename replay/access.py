"""The one way to a replay session: through its owner."""

import uuid

from replay.models import ReplaySession


class NoSuchSession(LookupError):
    """It does not exist, or belongs to somebody else: the asker cannot tell which."""


def get_session(user_id: int, session_id: uuid.UUID) -> ReplaySession:
    """The user's own replay. Raises NoSuchSession."""
    try:
        return ReplaySession.objects.select_related("asset", "job", "trading").get(pk=session_id, owner_id=user_id)
    except ReplaySession.DoesNotExist:
        raise NoSuchSession("There is no such replay of yours.") from None
