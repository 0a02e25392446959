"""Readers: files and tables of the field as `LightCurves`; units, sentinels and spellings end here."""

from firstlight.readers.generic import read_batches, read_table

__all__ = ["read_batches", "read_table"]
