"""By which a receiver knows that a webhook is ours: an HMAC-SHA256 with a secret of the alert's owner."""

import hashlib
import hmac

from django.utils.crypto import salted_hmac

from alerts import access

HEADER = "X-Futsim-Signature"


def secret_of(owner_id: int | None) -> str:
    """The secret of a user's webhooks, or of those of shared alerts. It follows from this installation's key."""
    who = "shared" if owner_id is None else f"{owner_id}:{access.settings_of(owner_id).secret_number}"
    return salted_hmac("alerts.webhook", who, algorithm="sha256").hexdigest()


def signature(secret: str, seconds: int, body: bytes) -> str:
    """The header's value: over the Unix time, a point and the body, so that an old message cannot be sent again."""
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"
