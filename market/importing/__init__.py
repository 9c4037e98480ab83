"""Users' own market data files: DBN, and parquet or CSV as Databento writes them, into the store.

`formats` finds out what a file is and opens one of the readers (`dbn`, `parquet`, `text`); a reader gives `parts` of
one schema and symbol; `contracts` and `definitions` say whose they are; `checks` refuses rows that cannot be right;
`importer` cuts them into sessions and `pieces` puts them into the store. `report` tells what became of each row.
"""
