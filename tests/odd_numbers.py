"""Numbers at the edge of what is taken: JSON parsers and SQLite differ about some of them."""

NUMBERS = [
    "9" * 300,
    "-" + "9" * 300,
    "1e308",
    "-0",
    "-0.0",
    "1e-400",
    "0." + "3" * 299,
    "18446744073709551616",
    "5e-324",
    "1E+5",
]
