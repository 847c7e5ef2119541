"""The error table: rows, cells, and what the papers print."""
