"""The fault matrix: what was broken, what the user got, what is stored."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Row:
    """One fault and what came of it."""

    fault: str
    user: str
    stored: str


@dataclass(slots=True)
class Matrix:
    """The rows of one test run."""

    rows: list[Row] = field(default_factory=list)

    def add(self, fault: str, *, user: str, stored: str) -> None:
        """Add a row."""
        self.rows.append(Row(fault, user, stored))

    def lines(self, database: str) -> list[str]:
        """Return the table as text."""
        heads = Row(f"fault ({database})", "what the user gets", "what is stored")
        rows = [heads, *sorted(self.rows, key=lambda row: row.fault)]
        widths = [
            max(len(getattr(row, name)) for row in rows) for name in Row.__slots__
        ]
        return [
            " | ".join(
                getattr(row, name).ljust(width)
                for name, width in zip(Row.__slots__, widths, strict=True)
            ).rstrip()
            for row in rows
        ]


matrix = Matrix()
