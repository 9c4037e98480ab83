"""The live half: Databento's TCP protocol, at the pace of the gateway's clock.

`control` reads the client's lines, `messages` writes the gateway's own records, `timeline` makes the market's records
a little ahead, `session` is one client from greeting to end, `outlet` sends its records, spoiled where a fault says so.
"""
