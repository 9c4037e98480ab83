"""The synthetic market: every (contract, trade date) is a pure function of a seed (docs/standin.md).

From the top down: `days` (closes, activity) → `underlying` (one minute path per asset and session) →
`minutes` (each contract's minute bars, the truth) → `seconds` (refines a minute exactly) → `bars`
(any OHLCV schema over a window). `contracts` and `volume` say what is listed and where the volume is.
"""
