"""Readers: files and tables of the field as `LightCurves`; units, sentinels and spellings end here."""

from firstlight.readers.formats import formats, read, read_batches, sniff
from firstlight.readers.generic import read_table
from firstlight.readers.roles import column_roles
from firstlight.readers.samples import sample, samples
from firstlight.readers.to_long_table import convert, long_table

__all__ = [
    "column_roles",
    "convert",
    "formats",
    "long_table",
    "read",
    "read_batches",
    "read_table",
    "sample",
    "samples",
    "sniff",
]
