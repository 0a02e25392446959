"""Tables: any column as an array, object ids, one row an object, nested lists, frames; and where they go."""

from firstlight.tables import columns, frames, identifiers, nested, objects, writing

__all__ = ["columns", "frames", "identifiers", "nested", "objects", "writing"]
