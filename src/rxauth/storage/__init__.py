"""Databases: tables, transactions, the tenancy guard and migrations, on SQLite and PostgreSQL."""
