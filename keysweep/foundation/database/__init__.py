"""The store: connection, schema and migrations.  Queries stand in the repository module of the room that owns the data."""
