"""The one way to an account: through its owner."""

from django.db.models import QuerySet

from trading.models import Account


class NoSuchAccount(LookupError):
    """It does not exist, or belongs to somebody else: the asker cannot tell which."""


def accounts_of(user_id: int) -> QuerySet[Account]:
    """The user's accounts, the first one first."""
    return Account.objects.filter(owner_id=user_id).order_by("pk")


def get_account(user_id: int, account_id: int) -> Account:
    """The user's own account. Raises NoSuchAccount."""
    account = accounts_of(user_id).filter(pk=account_id).first()
    if account is None:
        raise NoSuchAccount("There is no such account of yours.")
    return account
