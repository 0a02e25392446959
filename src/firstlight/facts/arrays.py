"""Columns of any kind (lists, NumPy, masked, pandas, polars, Arrow) as one Arrow array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from firstlight.facts.names import text_of


def as_arrow(values: Any) -> pa.Array:
    """`values` as one Arrow array; masked and missing entries are null, NaN stays NaN.

    Parameters
    ----------
    values : sequence, array, masked array, pandas or polars series, Arrow array
        One-dimensional. Big-endian numbers are turned round; a column of mixed Python objects becomes text.
    """
    if hasattr(values, "to_arrow") and not isinstance(values, (pa.Array, pa.ChunkedArray)):
        values = values.to_arrow()  # polars
    if not isinstance(values, (pa.Array, pa.ChunkedArray)):
        values = _from_python(values)
    return _one_chunk(values)


def _one_chunk(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(values, pa.ChunkedArray):
        return values
    if pa.types.is_dictionary(values.type):
        values = values.unify_dictionaries()
    elif values.nbytes > 2**31 - 1 and pa.types.is_string(values.type):
        values = values.cast(pa.large_string())  # 32-bit offsets would overflow in one chunk
    if values.num_chunks == 1:
        return values.chunk(0)
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], type=values.type)


def _from_python(values: Any) -> pa.Array | pa.ChunkedArray:
    if hasattr(values, "dtype") and not isinstance(values.dtype, np.dtype):
        return pa.array(
            values, from_pandas=True
        )  # pandas extension types: nullable, Arrow-backed, categories
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    data = np.asarray(values)
    if data.ndim != 1:
        raise ValueError(f"expected one dimension, found shape {data.shape}")
    if data.dtype.kind in "iufb":
        data = data.astype(data.dtype.newbyteorder("="), copy=False)
        return pa.array(data.astype(np.float32) if data.dtype == np.float16 else data, mask=mask)
    if data.dtype.kind in "US":
        return pa.array(
            data.astype(data.dtype.newbyteorder("=")) if data.dtype.kind == "U" else data, mask=mask
        )
    try:
        return pa.array(data, mask=mask)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        texts = [None if _missing(value) else text_of(value) for value in data.tolist()]
        return pa.array(texts, type=pa.string(), mask=mask)


def _missing(value: object) -> bool:
    return value is None or value != value or type(value).__name__ == "NAType"
