"""Tables: any column as an array, object ids, one row an object, nested lists, frames of every library."""
