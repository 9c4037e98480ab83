"""How fast futsim is: `make bench`. docs/performance.md says what is measured and keeps the figures."""
