"""Tables of databases that rows are written to: `database_table` says how, and each kind of database has a module."""
