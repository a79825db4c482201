"""A document or its evidence as bytes: one file a format, exporting `render`; the same input gives the same bytes."""
