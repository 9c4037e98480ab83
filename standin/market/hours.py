"""The sessions in a range of time."""

from collections.abc import Iterator

from market.sessions import Session, calendar


def sessions_over(name: str, start_ns: int, end_ns: int) -> Iterator[Session]:
    """The sessions of a calendar whose span [open, close) meets [start_ns, end_ns), ascending."""
    sessions = calendar(name)
    try:
        following = [sessions.first_closing_after(start_ns)]
    except IndexError:  # after the calendar's last day
        return
    while following and following[0].open_ns < end_ns:
        yield following[0]
        following = sessions.after(following[0].trade_date, 1)
