"""Alembic's folder: how a store gets from one schema to the next."""
