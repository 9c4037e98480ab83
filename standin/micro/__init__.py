"""Below the seconds: trades, and a book of ten levels that they respect (docs/standin.md).

One minute of one instrument is made at a time, by compiled loops. `prints` turns second bars into trades; `book`
lets a ladder live through a minute around them; `part` does so for some minutes of one instrument, `tape` for
any instruments over a range of time. `liquidity` and `packets` need no compiler.
"""
