"""The simulated broker's engine: orders whose fills obey the recorded market. docs/fills.md explains it.

Who uses it needs: `broker.Broker` and `broker.replay` (the machine), `commands` (what may be asked of it), `feed` (the
tapes it reads), `settings` (contracts and assumptions), `rules.Rules`, `records` (events, fills, `explain`),
`roundtrips.round_trips` and `sizing`. The rest is inside.
"""
