"""The page of trades: what it lists, its filters and totals, notes, and the CSV."""

import csv
import io
import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client

from journal import services, tasks
from journal.models import Trade
from replay.models import ReplaySession
from tests.conftest import People
from tests.journaling import at, fill, fork, leave, lock, replay_of, take_of
from trading.engine.settings import Instrument
from trading.engine.terms import Change, Grade, Reason
from trading.models import Account

HTMX = {"HX-Request": "true"}
DAY = 86_400
CL = Instrument("CLK6", 10_000_000, tick_value=10 * 10**9, fee=2 * 10**9)

pytestmark = pytest.mark.usefixtures("assets")


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whose journal was handed to Celery; no worker runs here."""
    handed: list[int] = []
    monkeypatch.setattr(tasks.bring_up_to_date, "delay", handed.append)
    return handed


@pytest.fixture
def five(people: People, assets: None) -> None:
    """Nets: NQ long +46, NQ short −19 (ambiguous), CL long +6 on the next day (trades); retakes +16 and −54."""
    take = take_of(
        people.owner,
        (1, 100, 1), (-1, 110, 2),
        (-1, 100, 3), (1, 103, 4, {"flags": ("ambiguous_bar",)}),
    )  # fmt: skip
    again = fork(take, 2.5, fills=2)
    fill(again, (1, 100, 5), (-1, 104, 6), (1, 100, 7), (-1, 90, 8))
    prints = {"grade": Grade.TRADES}
    take_of(people.owner, (1, 100, DAY, prints), (-1, 101, DAY + 1, prints), root="CL", instrument=CL)


def get(browser: Client, query: str = "", status: int = 200, *, root: str = "/journal/", **headers: str) -> str:
    answer = browser.get(f"{root}{query}", headers=headers)
    assert answer.status_code == status
    return unescape(answer.content.decode())


def nets(page: str) -> list[str]:
    """The nets of the listed trades, in their order."""
    rows = page.split('<tbody id="trade-')[1:]
    return [re.findall(r'<td class="num (?:up|down)?">([^<]*)</td>', row)[-1] for row in rows]


def figures(page: str) -> dict[str, str]:
    """The totals, by name, as text."""
    pairs = re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", page)
    return {name: " ".join(re.sub(r"<[^>]+>", "", text).split()) for name, text in pairs}


# --- the list ---------------------------------------------------------------------------------------------


def test_without_a_trade_it_says_what_to_do(owner: Client) -> None:
    page = get(owner)
    assert "No trade yet." in page
    assert 'href="/replay/">Open a replay</a>' in page
    assert "<form class=" not in page


def test_the_top_line_leads_here(owner: Client) -> None:
    assert '<a href="/journal/">Journal</a>' in get(owner, root="/replay/")
    assert '<a href="/journal/" aria-current="page">Journal</a>' in get(owner)


@pytest.mark.usefixtures("five")
def test_trades_are_read_from_the_record_the_newest_first(owner: Client) -> None:
    page = get(owner)
    assert nets(page) == ["$6.00", "−$19.00", "$46.00"]
    assert "2026-03-18" in page
    assert "09:30:01" in page


def test_a_trade_is_listed_as_it_goes_on(owner: Client, people: People) -> None:
    take = take_of(people.owner, (2, 80_000, 1))
    page = get(owner)
    assert '<span class="chip">open</span>' in page
    assert figures(page)["Trades"] == "0"
    assert "1 open, not counted." in page
    fill(take, (-2, 80_001, 3))
    assert figures(get(owner))["Trades"] == "1"


def test_an_average_has_the_asset_s_decimals_and_two_more(owner: Client, people: People) -> None:
    take_of(people.owner, (1, 80_000, 1), (2, 80_001, 2), (-3, 80_002, 3))
    page = get(owner)
    assert '<td class="num">20,000.1667</td>' in page
    assert '<td class="num">20,000.50</td>' in page


def test_htmx_gets_the_list_alone(owner: Client, people: People) -> None:
    take_of(people.owner, (1, 1, 1), (-1, 2, 2))
    page = get(owner, **HTMX)
    assert page.startswith('<div id="trades">')
    assert "<html" not in page
    answer = owner.get("/journal/?side=long&grade=&page=1", headers=HTMX)
    assert answer["HX-Replace-Url"] == "/journal/?side=long"


def test_long_lists_have_pages_that_keep_the_filters(owner: Client, people: People) -> None:
    rows = [row for n in range(51) for row in ((1, 100, 2 * n), (-1, 101, 2 * n + 1))]
    take_of(people.owner, *rows)
    first, second = get(owner, "?side=long"), get(owner, "?side=long&page=2")
    assert (len(nets(first)), len(nets(second))) == (50, 1)
    assert 'href="?side=long&page=2"' in first
    assert figures(first)["Trades"] == figures(second)["Trades"] == "51"


def test_a_trade_leads_to_its_replay_while_there_is_one(owner: Client, people: People) -> None:
    take_of(people.owner, (1, 1, 1), (-1, 2, 2))
    replay = ReplaySession.objects.get()
    assert f'href="/replay/{replay.pk}/">Replay</a>' in get(owner)
    assert owner.post(f"/replay/{replay.pk}/delete").status_code == 302
    page = get(owner)
    assert nets(page) == ["$1.00"]
    assert ">Replay</a></td>" not in page


# --- filters and totals -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?takes=all", ["$6.00", "−$54.00", "$16.00", "−$19.00", "$46.00"]),
        ("?asset=CL", ["$6.00"]),
        ("?asset=nq", ["−$19.00", "$46.00"]),
        ("?side=short", ["−$19.00"]),
        ("?first=2026-03-18", ["$6.00"]),
        ("?last=2026-03-17", ["−$19.00", "$46.00"]),
        ("?first=2026-03-17&last=2026-03-18&side=long", ["$6.00", "$46.00"]),
        ("?grade=trades", ["$6.00"]),
        ("?result=winners", ["$6.00", "$46.00"]),
        ("?result=losers&takes=all", ["−$54.00", "−$19.00"]),
        ("?result=open", []),
        ("?asset=ES", []),
    ],
)
def test_filters(owner: Client, query: str, expected: list[str]) -> None:
    assert nets(get(owner, query)) == expected


@pytest.mark.usefixtures("five")
def test_tags_filter_too(owner: Client) -> None:
    get(owner)
    trade = Trade.objects.get(net=46)
    services.write_note(trade=trade, note="", tags=["open drive", "a+"])
    assert nets(get(owner, "?tag=Open%20Drive")) == ["$46.00"]
    assert nets(get(owner, "?tag=open")) == []
    assert '<option value="open drive">' in get(owner)


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?first=18.3.2026", "Write the date as 2026-03-18."),
        ("?first=2026-03-18&last=2026-03-17", "The last day is before the first."),
        ("?side=up", "Select a valid choice."),
        ("?takes=second", "Select a valid choice."),
        ("?tag=a%00b", "Null characters are not allowed."),
    ],
)
def test_a_filter_that_is_none_is_refused_in_words(owner: Client, query: str, words: str) -> None:
    for page in (get(owner, query, 422), get(owner, query, 422, **HTMX)):
        assert words in page
        assert nets(page) == []


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize("number", ["0", "-1", "99", "x"])
def test_a_page_that_is_none_is_the_nearest(owner: Client, number: str) -> None:
    assert len(nets(get(owner, f"?page={number}"))) == 3


@pytest.mark.usefixtures("five")
def test_totals_are_of_what_is_filtered_each_with_its_n(owner: Client) -> None:
    # first takes: 46, −19 and 6
    assert figures(get(owner)) == {
        "Trades": "3",
        "Win rate": "66.7 % n = 3",
        "Gross": "$45.00 n = 3",
        "Fees": "$12.00 n = 3",
        "Net": "$33.00 n = 3",
        "Average win": "$26.00 n = 2",
        "Average loss": "−$19.00 n = 1",
        "Expectancy": "$11.00 n = 3",
        "Profit factor": "2.74 n = 3",
        "Largest loss": "−$19.00 n = 1",
    }
    losers = figures(get(owner, "?result=losers&takes=all"))
    assert (losers["Net"], losers["Profit factor"], losers["Average win"]) == ("−$73.00 n = 2", "0.00 n = 2", "– n = 0")


@pytest.mark.usefixtures("five")
def test_what_totals_rest_on_and_leave_out_is_told(owner: Client) -> None:
    page = " ".join(get(owner).split())
    assert "2 retakes left out." in page
    assert "1 of 3 rests on an ambiguous bar" in page
    everything = get(owner, "?takes=all")
    assert "left out" not in everything
    assert everything.count(">take 2</span>") == 2


def test_who_has_retakes_only_is_told_where_they_are(owner: Client, people: People) -> None:
    take = take_of(people.owner, (1, 100, 1))
    fill(fork(take, 2, fills=1), (-1, 101, 3))
    page = get(owner, "?result=winners")
    assert "1 retake would: choose all takes." in page


def test_a_loser_left_open_by_going_back_counts(owner: Client, people: People) -> None:
    take = take_of(people.owner, (1, 100, 1), (-1, 110, 2), (1, 110, 3))
    assert figures(get(owner))["Trades"] == "1"
    leave(take, 60, ticks=90)
    fork(take, 2.5, fills=2)
    page = get(owner)
    assert nets(page) == ["−$102.00", "$46.00"]
    assert figures(page)["Net"] == "−$56.00 n = 2"
    assert "You went back while it was open" in page
    assert page.count(">left open</span>") == 1
    assert "1 left open by going back, counted at the last price seen." in page
    assert nets(get(owner, "?result=losers")) == ["−$102.00"]
    left = Trade.objects.get(net__lt=0)
    assert "You went back while the rest was open" in get(owner, f"{left.pk}/fills")
    assert ",left," in get(owner, "trades.csv")


# --- accounts and locks ---


@pytest.fixture
def two_accounts(people: People, assets: None) -> Account:
    """A trade of +1 in the first account, which was locked and unlocked, and of +6 in this one, locked a day later."""
    take = take_of(people.owner, (1, 100, 1), (-1, 101, 2))
    lock(take, 5, Change.LOCKED, Reason.RISK, "three losses")
    lock(take, 9, Change.UNLOCKED, Reason.USER, "calm again <b>")
    other = Account.objects.create(owner=people.owner, name="Second")
    late = take_of(people.owner, (1, 100, DAY), (-1, 102, DAY + 1), account=other)
    lock(late, DAY + 2, Change.LOCKED, Reason.HARD_LOCK, "enough today")
    return other


def locks(page: str) -> list[list[str]]:
    """Time, account, change and words of the locks listed."""
    part = page.partition('<details class="locks">')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in part.split("</tr>")[:-1]]


def test_who_has_several_accounts_filters_by_them(owner: Client, two_accounts: Account) -> None:
    page = get(owner)
    assert nets(page) == ["$6.00", "$1.00"]
    assert '<th scope="col">Account</th>' in page
    assert "<td>Second</td>" in page
    page = get(owner, f"?account={two_accounts.pk}")
    assert nets(page) == ["$6.00"]
    assert f'<option value="{two_accounts.pk}" selected>Second</option>' in page
    assert [row["account"] for row in rows_of(owner, f"?account={two_accounts.pk}")] == ["Second"]


def test_who_has_one_account_sees_none_named(owner: Client, people: People) -> None:
    take_of(people.owner, (1, 100, 1), (-1, 101, 2))
    page = get(owner)
    assert nets(page) == ["$1.00"]
    assert 'name="account"' not in page
    assert ">Account</th>" not in page


def test_locks_and_unlocks_stand_with_their_reasons(owner: Client, two_accounts: Account) -> None:
    first = Account.objects.exclude(pk=two_accounts.pk).get().name
    all_three = [
        ["2026-03-18 09:30:02", "Second", "locked, hard", "enough today"],
        ["2026-03-17 09:30:09", first, "unlocked", "calm again <b>"],
        ["2026-03-17 09:30:05", first, "locked", "three losses"],
    ]
    page = get(owner)
    assert "<summary>Locks (3)</summary>" in page
    assert locks(page) == all_three
    assert locks(get(owner, "?first=2026-03-18", **HTMX)) == all_three[:1]
    assert locks(get(owner, "?last=2026-03-17")) == all_three[1:]
    assert locks(get(owner, f"?account={two_accounts.pk}")) == all_three[:1]
    assert locks(get(owner, "?first=0001-01-01&last=9999-12-31")) == all_three
    assert locks(get(owner, "?first=2026-03-19")) == []


def test_a_lock_of_the_evening_is_the_next_day_s(owner: Client, people: People) -> None:
    take = take_of(people.owner, (1, 100, 1), (-1, 101, 2))
    lock(take, 7.5 * 3_600, Change.LOCKED, Reason.RISK, "at 17:00 ET")
    assert locks(get(owner, "?last=2026-03-17")) == []
    assert len(locks(get(owner, "?first=2026-03-18&last=2026-03-18"))) == 1


def test_a_colleague_sees_neither_accounts_nor_locks_of_others(colleague: Client, two_accounts: Account) -> None:
    page = get(colleague, f"?account={two_accounts.pk}")
    assert "Second" not in page
    assert (nets(page), locks(page)) == ([], [])


# --- fills ------------------------------------------------------------------------------------------------


def test_a_trade_unfolds_into_its_fills_with_their_sentences(owner: Client, people: People) -> None:
    take_of(people.owner, (2, 80_000, 1), (-5, 80_004, 2.5), (3, 80_000, 4))
    get(owner)
    short = Trade.objects.get(side=-1)
    page = get(owner, f"{short.pk}/fills")
    assert "5 of 5 at 20001.00: the worse end of the bar of 19:00:00 (volume 40)." in page
    assert "3 of these lots belong to this trade" in page
    assert "2026-03-17 09:30:02.500000" in page
    assert "sold 3" in page
    assert "2 of 2 at" not in page


# --- notes ------------------------------------------------------------------------------------------------


@pytest.fixture
def trade(owner: Client, people: People) -> Trade:
    take_of(people.owner, (1, 100, 1), (-1, 101, 2))
    get(owner)
    return Trade.objects.get()


def write(browser: Client, trade: Trade, **fields: str) -> Any:
    return browser.post(f"/journal/{trade.pk}/note", fields, headers=HTMX)


def test_note_and_tags_are_written_in_place(owner: Client, trade: Trade) -> None:
    form = get(owner, f"{trade.pk}/note/edit")
    assert f'hx-post="/journal/{trade.pk}/note"' in form
    answer = write(owner, trade, tags=" Open  drive, A+,open drive,, ", note="Waited.\nThen <b>in</b>.")
    assert answer.status_code == 200
    trade.refresh_from_db()
    assert (trade.tags, trade.note) == (["open drive", "a+"], "Waited.\nThen <b>in</b>.")
    page = answer.content.decode()
    assert '<span class="chip">open drive</span>' in page
    assert "Waited.<br>Then &lt;b&gt;in&lt;/b&gt;." in page
    assert '<datalist id="tags" hx-swap-oob="true"><option value="a+">' in page
    again = get(owner, f"{trade.pk}/note/edit")
    assert 'value="open drive, a+"' in again
    assert "Then <b>in</b>.</textarea>" in again
    assert "Waited." in get(owner, f"{trade.pk}/note")
    assert "Waited." in get(owner)


def test_note_and_tags_can_be_taken_away(owner: Client, trade: Trade) -> None:
    write(owner, trade, tags="a", note="b")
    write(owner, trade, tags="", note="")
    trade.refresh_from_db()
    assert (trade.tags, trade.note) == ([], "")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"note": "x" * 4_001}, "A note has at most 4,000 characters."),
        ({"tags": "x" * 31}, "a tag has at most 30 letters"),
        ({"tags": ",".join("abcdefghijklm")}, "These are 13 tags; a trade has at most 12."),
        ({"note": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_kept_comes_back_with_the_reason(
    owner: Client, trade: Trade, fields: dict[str, str], words: str
) -> None:
    write(owner, trade, tags="kept", note="kept")
    answer = write(owner, trade, **({"tags": "", "note": ""} | fields))
    assert answer.status_code == 422
    page = unescape(answer.content.decode())
    assert words in page
    assert fields.get("note", fields.get("tags", "")).replace("\0", "")[:10] in page
    trade.refresh_from_db()
    assert (trade.tags, trade.note) == (["kept"], "kept")


def test_a_note_without_the_form_s_token_is_refused(people: People, trade: Trade) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.owner)
    assert write(browser, trade, note="x", tags="").status_code == 403


# --- CSV --------------------------------------------------------------------------------------------------


def rows_of(browser: Client, query: str = "") -> list[dict[str, str]]:
    answer = browser.get(f"/journal/trades.csv{query}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_csv_has_every_figure_exact(owner: Client, people: People) -> None:
    odd = Instrument("NQM6", 250_000_000, tick_value=5 * 10**9, fee=2_135_000_001)
    take = take_of(people.owner, (1, 80_000, 1), (2, 80_001, 2), (-3, 80_002, 3.25), instrument=odd)
    fill(take, (-1, 80_002, 5))
    get(owner)
    closed = Trade.objects.get(side=1)
    services.write_note(trade=closed, note='said "no",\nwent on', tags=["a", "b c"])
    latest, first = rows_of(owner)
    assert first == {
        "trade": str(closed.pk),
        "trade_date": "2026-03-17",
        "asset": "NQ",
        "contract": "NQM6",
        "side": "long",
        "quantity": "3",
        "entry_et": "2026-03-17T09:30:01.000000-04:00",
        "exit_et": "2026-03-17T09:30:03.250000-04:00",
        "entry_ns": str(at(1)),
        "exit_ns": str(at(3.25)),
        "entry": "20000.166666667",
        "exit": "20000.5",
        "gross": "20",
        "fees": "12.810000006",
        "net": "7.189999994",
        "mae": "",
        "mfe": "",
        "grade": "bars",
        "flags": "",
        "take": "1",
        "session": str(closed.session_id),
        "account": closed.session.account.name,
        "tags": "a, b c",
        "note": 'said "no",\nwent on',
    }
    assert (latest["exit"], latest["exit_ns"], latest["side"]) == ("", "", "short")


@pytest.mark.usefixtures("five")
def test_csv_is_all_that_is_filtered(owner: Client) -> None:
    assert [Decimal(row["net"]) for row in rows_of(owner)] == [6, -19, 46]
    assert [Decimal(row["net"]) for row in rows_of(owner, "?takes=all&result=losers")] == [-54, -19]
    assert 'href="/journal/trades.csv?result=losers&takes=all"' in get(owner, "?result=losers&takes=all&page=1")
    assert owner.get("/journal/trades.csv?side=up").status_code == 404


# --- what the workers do ----------------------------------------------------------------------------------


def test_workers_are_asked_for_mae_and_mfe_and_the_page_waits(
    owner: Client, people: People, asked: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    take_of(people.owner, (1, 100, 1), (-1, 101, 2))
    with django_capture_on_commit_callbacks(execute=True):
        page = get(owner)
    assert asked == [people.owner.pk]
    assert "MAE and MFE are being looked up in the tapes." in page
    assert 'hx-get="/journal/progress"' in page
    assert 'hx-get="/journal/progress"' in get(owner, "progress")
    tasks.bring_up_to_date(people.owner.pk)
    done = owner.get("/journal/progress")
    assert "hx-get=" not in done.content.decode()
    assert "journal:ready" in done["HX-Trigger-After-Swap"]
    with django_capture_on_commit_callbacks(execute=True):
        assert "being looked up" not in get(owner)
    assert asked == [people.owner.pk]


def test_many_new_fills_are_left_to_a_worker(
    owner: Client,
    people: People,
    asked: list[int],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    monkeypatch.setattr(services, "FILLS_AT_ONCE", 1)
    take_of(people.owner, (1, 100, 1), (-1, 101, 2))
    with django_capture_on_commit_callbacks(execute=True):
        page = get(owner)
    assert "Many new fills are being read from the record." in page
    assert "No trade yet." not in page
    assert asked == [people.owner.pk]
    tasks.bring_up_to_date(people.owner.pk)
    assert nets(get(owner)) == ["$1.00"]


# --- the admin --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("five")
def test_an_admin_sees_figures_but_no_notes_and_has_them_read_again(owner: Client, admin: Client) -> None:
    get(owner)
    trade = Trade.objects.get(net=46)
    services.write_note(trade=trade, note="my own", tags=["mine"])
    Trade.objects.filter(pk=trade.pk).update(gross=1, fees=0, net=1)
    page = get(admin, f"{trade.pk}/change/", root="/admin/journal/trade/")
    assert "my own" not in page
    assert "mine" not in page
    sent = {"action": "read_again", "_selected_action": [trade.pk]}
    told = admin.post("/admin/journal/trade/", sent, follow=True).content.decode()
    assert "2 trades are read again" in told
    assert nets(get(owner)) == ["$6.00", "−$19.00", "$46.00"]


def test_a_user_who_traded_is_not_deleted_by_hand(admin: Client, people: People, trade: Trade) -> None:
    replay_of(people.owner)
    page = admin.get(f"/admin/accounts/user/{people.owner.pk}/delete/").content.decode()
    assert "your account doesn't have permission to delete" in page.replace("&#x27;", "'")
    assert admin.post(f"/admin/accounts/user/{people.owner.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Trade.objects.exists()


def test_with_a_user_all_his_trades_go(people: People, trade: Trade) -> None:
    replay_of(people.owner)
    people.owner.delete()
    assert not Trade.objects.exists()
