"""Logging out closes the user's open sockets: Channels itself would leave them open."""

import contextlib

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest
from redis.exceptions import RedisError

from accounts.models import User


def revoke_topic(session_key: str) -> str:
    """The Channels group that the sockets of one browser login listen on."""
    return f"login.{session_key}"


@receiver(user_logged_out)
def close_sockets(sender: object, request: HttpRequest, user: User | None, **_: object) -> None:
    """Tell every socket opened under this login to close."""
    key = request.session.session_key
    if key:
        topic = revoke_topic(key)
        message = {"type": "hub.message", "topic": topic, "body": {"kind": "revoked"}}
        # Without Valkey the sockets notice at their next check of the login.
        with contextlib.suppress(RedisError, OSError):
            async_to_sync(get_channel_layer().group_send)(topic, message)
