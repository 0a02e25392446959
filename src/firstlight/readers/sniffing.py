"""Which format a file or folder is in, by what stands in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from firstlight.errors import Arg, DataError
from firstlight.readers import alert_objects, brokers, forced_photometry, known_tables, snana_fits, snana_text
from firstlight.readers.content import Content
from firstlight.readers.foreign_files import refuse_foreign
from firstlight.readers.table_files import is_json_table, source_of


def seen(content: Content, known: Iterable[str]) -> str:
    """The format of what stands there: a folder, JSON, a binary table or text.

    Parameters
    ----------
    content : Content
    known : iterable of str
        All formats, for errors.
    """
    path = content.path
    if path.is_dir():
        fits = {"snana": snana_fits.is_snana(path), "plasticc": known_tables.is_plasticc(content)}
        return _one(fits, content)
    if content.is_json:
        return _seen_in_json(content, known)
    if snana_fits.is_snana(path):
        return "snana"
    start = content.head
    if start.startswith(b"SIMPLE  ="):
        return "snana" if "PTROBS_MIN" in source_of(content).schema.names else "table"
    if start.startswith((b"PAR1", b"ARROW1", b"FEA1", b"# %ECSV")) or b"<VOTABLE" in start.upper():
        return "table"
    refuse_foreign(content)
    text, names = start.decode("utf-8", "replace"), set(known_tables.header_names(content))
    fits = {
        "ztf-forced": forced_photometry.is_ztf_forced(text),
        "atlas-forced": forced_photometry.is_atlas_forced(text),
        "snana": snana_text.is_snana_text(text),
        "skyportal": known_tables.is_skyportal(names),
        "alerce": names >= brokers.ALERCE_CSV,
        "antares": names >= brokers.ANTARES_CSV,
        "plasticc": known_tables.is_plasticc(content),
    }
    return _one(fits, content)


def _seen_in_json(content: Content, known: Iterable[str]) -> str:
    """The broker whose answer it is, or a table: rows as a list or one a line, or columns."""
    if content.is_json_lines and not alert_objects.is_alert_object(content.first_line):
        return "table"
    data = content.json
    fits = {
        "antares": brokers.is_antares(data),
        "alerce": brokers.is_alerce(data),
        "boom": alert_objects.is_boom(data),
        "pitt-google": alert_objects.is_pittgoogle(data),
        "lasair": alert_objects.is_lasair(data) or alert_objects.is_cone(data),
        "skyportal": isinstance(data, list) and bool(data) and known_tables.is_skyportal(data[0]),
    }
    if any(fits.values()) or is_json_table(data):
        return _one(fits, content)
    raise DataError(
        "is JSON of no known kind",
        where=content.name,
        hint=f"Known formats: {', '.join(known)}; a list of rows is a 'table'.",
    )


def _one(fits: Mapping[str, bool], content: Content) -> str:
    names = [name for name, fit in fits.items() if fit]
    if len(names) > 1:
        raise DataError(
            f"could be {' or '.join(names)}",
            where=content.name,
            hint=("Say ", Arg("format", tuple(names)), "."),
        )
    return names[0] if names else "table"
