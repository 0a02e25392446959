"""Readers: files and tables of the field as `LightCurves`; units, sentinels and spellings end here."""

from firstlight.readers.formats import formats, read, sniff
from firstlight.readers.generic import read_batches, read_table
from firstlight.readers.roles import column_roles
from firstlight.readers.samples import sample, samples

__all__ = ["column_roles", "formats", "read", "read_batches", "read_table", "sample", "samples", "sniff"]
