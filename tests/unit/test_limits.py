"""What an account may do: of the user's own limits and those that an admin forces, the stricter of each two."""

from decimal import Decimal
from typing import Any

import pytest

from market.models import Asset
from tests.conftest import People
from trading.codec import as_json, of_json
from trading.engine.rules import Rules
from trading.limits import merged, rules_of
from trading.models import Account, AccountLimits, ForcedLimits
from trading.services import default_account
from trading.texts import common_hours, hours_text, parse_hours, parse_positions, positions_text

DOLLAR = 10**9


def both(own: dict[str, Any], forced: dict[str, Any], root: str = "NQ") -> Rules:
    return merged([AccountLimits(**own), ForcedLimits(**forced)], root)


@pytest.mark.parametrize(
    ("limit", "own", "forced", "rule", "strict"),
    [
        ("max_day_loss", Decimal("500.25"), Decimal(400), "max_day_loss", 400 * DOLLAR),
        ("max_day_loss", Decimal("0.01"), None, "max_day_loss", DOLLAR // 100),
        ("max_day_loss", None, Decimal(400), "max_day_loss", 400 * DOLLAR),
        ("max_day_loss_open", Decimal(1), Decimal(2), "max_day_loss_open", DOLLAR),
        ("max_trade_loss", None, None, "max_trade_loss", None),
        ("warn_percent", 90, 50, "warn_percent", 50),
        ("warn_percent", None, None, "warn_percent", 80),
        ("max_order", 5, 3, "max_order", 3),
        ("max_position", None, 3, "max_position_each", 3),
        ("max_position_all", 7, None, "max_position_all", 7),
        ("max_trades", 10, 20, "max_trades", 10),
        ("hours", "09:30-16:00", "14:00-20:00", "hours", ((840, 960),)),
        ("hours", "", "14:00-20:00", "hours", ((840, 1200),)),
        ("giveback_from", Decimal(900), Decimal(300), "giveback_from", 300 * DOLLAR),
        ("leverage", 4, None, "leverage", 4),
        ("leverage", 4, 2, "leverage", 2),
        ("leverage", None, None, "leverage", 1),
        ("is_hard", False, True, "is_hard", True),
    ],
)
def test_the_stricter_counts(limit: str, own: Any, forced: Any, rule: str, strict: Any) -> None:
    assert getattr(both({limit: own}, {limit: forced}), rule) == strict
    assert getattr(both({limit: forced}, {limit: own}), rule) == strict


def test_a_single_asset_s_position_stands_before_the_one_of_all() -> None:
    own = {"max_position": 5, "max_position_of": {"NQ": 2, "ES": 9}}
    assert both(own, {}, "NQ").max_position_each == 2
    assert both(own, {}, "CL").max_position_each == 5
    # what an admin forces on all assets is not widened by one's own of a single asset
    assert both(own, {"max_position": 4}, "ES").max_position_each == 4
    assert both(own, {"max_position_of": {"CL": 1}}, "CL").max_position_each == 1


def test_a_pause_is_after_the_fewer_losses_and_the_longer() -> None:
    pauses = {"cooldown_losses": 2, "cooldown_minutes": 5}, {"cooldown_losses": 3, "cooldown_minutes": 60}
    rules = both(*pauses)
    assert (rules.cooldown_losses, rules.cooldown_ns) == (2, 3_600 * 10**9)
    # minutes without losses are no pause
    assert both(pauses[0], {"cooldown_minutes": 600}).cooldown_ns == 300 * 10**9


def test_a_share_to_give_back_counts_only_with_a_peak() -> None:
    assert both({"giveback_from": 100, "giveback_percent": 40}, {"giveback_percent": 5}).giveback_percent == 40
    assert both({"giveback_from": 100}, {}).giveback_percent == 50


def test_hours_without_any_time_in_common_forbid_all() -> None:
    assert both({"hours": "09:30-11:00"}, {"hours": "12:00-13:00"}).hours == ((0, 0),)


def test_a_new_account_needs_buying_power_and_has_no_other_limit(people: People, assets: None) -> None:
    rules = rules_of(default_account(people.owner.pk), Asset.objects.get(root="NQ"))
    assert rules == Rules(buying_power=True)


def test_what_is_forced_on_a_user_holds_in_each_of_his_accounts_and_in_nobody_elses(
    people: People, assets: None
) -> None:
    ForcedLimits.objects.create(user=people.owner, max_order=3)
    accounts = [Account.objects.create(owner=people.owner, name=name) for name in "ab"]
    AccountLimits.objects.create(account=accounts[0], max_order=2, buying_power=False)
    nq = Asset.objects.get(root="NQ")
    assert [rules_of(account, nq).max_order for account in accounts] == [2, 3]
    assert [rules_of(account, nq).buying_power for account in accounts] == [False, True]
    assert rules_of(default_account(people.colleague.pk), nq).max_order is None


def test_rules_are_the_same_after_the_record_had_them() -> None:
    rules = both({"hours": "09:30-11:00", "max_day_loss": Decimal("1.23")}, {"max_position": 3})
    assert of_json(as_json(rules), Rules) == rules


# --- as people write them ---


def test_hours_are_read_and_written() -> None:
    hours = parse_hours("14:00 - 15:45, 9:30–11:30,18:00-24:00")
    assert hours == ((570, 690), (840, 945), (1080, 1440))
    assert hours_text(hours) == "09:30-11:30, 14:00-15:45, 18:00-24:00"
    assert parse_hours("  ") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("9-10", "'9-10' is no span of time. Write 09:30-11:30, 14:00-15:45."),
        ("09:30-10:00,", "'' is no span of time"),
        ("09:75-10:00", "has a time that no clock shows"),
        ("24:00-24:00", "has a time that no clock shows"),
        ("09:00-24:01", "has a time that no clock shows"),
        ("18:00-02:00", "Write hours over midnight as two: 18:00-24:00, 00:00-02:00."),
        ("09:00-10:00, 09:59-11:00", "09:59 lies in two spans."),
        (", ".join(f"{hour:02}:00-{hour:02}:30" for hour in range(9)), "At most 8 spans."),
    ],
)
def test_odd_hours_are_refused_with_words(text: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_hours(text)
    assert words in str(refused.value)


def test_common_hours_may_be_several() -> None:
    assert common_hours(((0, 100), (200, 300)), ((50, 250),)) == ((50, 100), (200, 250))


def test_positions_are_read_and_written() -> None:
    found = parse_positions("nq 2, ES: 5,BRK.B=100", ["NQ", "ES", "BRK.B"])
    assert found == {"NQ": 2, "ES": 5, "BRK.B": 100}
    assert positions_text(found) == "BRK.B 100, ES 5, NQ 2"
    assert parse_positions("") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NQ", "'NQ' is no asset with a position. Write NQ 2, ES 5."),
        ("NQ -2", "is no asset with a position"),
        ("NQ 0", "A position of NQ is 1 to 1,000,000."),
        ("NQ 9999999", "A position of NQ is 1 to 1,000,000."),
        ("NQ 1, NQ 2", "NQ stands here twice."),
        ("QQ 1", "There is no asset QQ."),
    ],
)
def test_odd_positions_are_refused_with_words(text: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_positions(text, ["NQ"])
    assert words in str(refused.value)
