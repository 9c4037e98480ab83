"""Celery's part: webhooks and e-mails of firings, and looking back.

A delivery is one try; what is still waiting is taken up again when it is due. Messages may be lost, the row is the
record. A try that is broken off with its worker is made again: a receiver may get the same firing twice, and knows it
by its id.
"""

import json
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone

from alerts import looking_back, signing, topics, webhooks
from alerts.models import AlertFiring, Outcome
from alerts.webhooks import Failed, Refused
from market.locks import try_advisory_lock

log = logging.getLogger(__name__)

TRIES = 3
BACKOFF = (timedelta(seconds=10), timedelta(seconds=60), timedelta(seconds=60))
"""After the first try, the second, the third."""
AT_ONCE = 50
"""Due firings that are taken up at a time."""
WORDS = 200


@shared_task
def deliver(firing_id: int) -> None:
    """Try to send what a firing's alert asks for. Two workers never try the same at once."""
    with try_advisory_lock("alert delivery", firing_id) as mine:
        if mine:
            _deliver(firing_id)


@shared_task
def deliver_due() -> None:
    """Take up what failed before, and what nobody was told of."""
    due = AlertFiring.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    for firing_id in due.values_list("pk", flat=True)[:AT_ONCE]:
        deliver.delay(firing_id)


@shared_task
def look_back(key: str) -> None:
    """Compute what an alert would have fired, beside what ranks take: nobody's replay waits for it."""
    looking_back.work(key)


def _deliver(firing_id: int) -> None:
    rows = AlertFiring.objects.filter(pk=firing_id).exclude(due_at=None)
    firing = rows.select_related("alert", "asset", "owner").first()
    if firing is None:
        return
    tries = max(firing.webhook_tries, firing.mail_tries)
    # before the try: one that kills its worker is not made for ever
    firing.due_at = timezone.now() + BACKOFF[min(tries, TRIES - 1)]
    if firing.webhook == Outcome.WAITING:
        _try(firing, "webhook", _post)
    if firing.mail == Outcome.WAITING:
        _try(firing, "mail", _write_to)
    if Outcome.WAITING not in (firing.webhook, firing.mail):
        firing.due_at = None
    firing.save(update_fields=["webhook", "webhook_words", "mail", "mail_words", "due_at"])


def _try(firing: AlertFiring, kind: str, send: Callable[[AlertFiring], str]) -> None:
    """Once; what came of it is left in the firing."""
    tries = getattr(firing, f"{kind}_tries") + 1
    setattr(firing, f"{kind}_tries", tries)
    firing.save(update_fields=[f"{kind}_tries", "due_at"])
    try:
        if tries > TRIES:
            raise Refused("Tried often enough; the worker was stopped in the last try.")
        words, outcome = send(firing), Outcome.SENT
    except Refused as problem:
        words, outcome = str(problem), Outcome.REFUSED
    except Failed as problem:
        words, outcome = str(problem), Outcome.FAILED if tries >= TRIES else Outcome.WAITING
    log.info("firing %s: %s, try %s: %s", firing.pk, kind, tries, words)
    setattr(firing, kind, outcome)
    setattr(firing, f"{kind}_words", words[:WORDS])


def _post(firing: AlertFiring) -> str:
    if firing.alert is None or not firing.alert.webhook_url:
        raise Refused("The alert has no webhook any more.")
    if firing.owner is not None and not firing.owner.is_active:
        raise Refused("Its owner may not log in any more.")
    body = json.dumps(topics.firing_body(firing, firing.asset.root)["firing"]).encode()
    seconds = int(time.time())
    secret = signing.secret_of(firing.owner_id)
    headers = {signing.HEADER: signing.signature(secret, seconds, body), "X-Futsim-Firing": str(firing.pk)}
    return webhooks.post(firing.alert.webhook_url, body, headers)


def _write_to(firing: AlertFiring) -> str:
    if firing.owner is None:
        raise Refused("A shared alert has no owner to write to.")
    if not firing.owner.email or not firing.owner.is_active:
        raise Refused("The owner has no e-mail address, or may not log in any more.")
    if not settings.EMAIL_HOST:
        raise Refused("No mail server is configured (FUTSIM_EMAIL_HOST).")
    text = f"{firing.sentence}\n\n{firing.note}".strip()
    try:
        send_mail(firing.sentence, text, None, [firing.owner.email])
    except OSError as problem:
        # smtplib's errors are OSErrors
        raise Failed(f"The mail server did not take it: {problem}.") from None
    return f"Sent to {firing.owner.email}."
