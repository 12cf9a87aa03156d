"""Tables and numbers for LaTeX: booktabs and siunitx, with intervals."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from figures.kit.plain import intervals_of, rounded

SIGNS = {
    **{"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_"},
    **{"{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"÷": r"$\div$", "×": r"$\times$", "−": r"$-$", "–": "--", "…": r"\ldots{}", "·": r"$\cdot$"},
    **{"α": r"$\alpha$", "γ": r"$\gamma$", "λ": r"$\lambda$", "τ": r"$\tau$", "ρ": r"$\rho$"},
    **{"→": r"$\rightarrow$", "≥": r"$\geq$", "≤": r"$\leq$"},
}
"""Character -> what sets it in a text."""
PACKAGES = ("booktabs", "longtable", "siunitx")
"""What a paper must load."""


def escaped(text: object) -> str:
    """A text in which LaTeX finds no command."""
    return "".join(SIGNS.get(sign, sign) for sign in str(text))


def tabular(rows: pd.DataFrame, caption: str, label: str) -> str:
    r"""A ``longtable``: estimates in ``S`` columns, their intervals beside them.

    Args:
        rows: at least one; a column that is the same in all of them is said in the caption.
        caption: what the table is.
        label: for ``\ref``.
    """
    pairs = {
        k: v for k, v in intervals_of(list(rows)).items() if rows[list(v)].notna().any(axis=None)
    }
    ends = {name for both in intervals_of(list(rows)).values() for name in both}
    same = [name for name in rows if len(rows) > 1 and rows[name].nunique(dropna=False) == 1]
    same = [name for name in same if name not in pairs and name not in ends]
    names = [name for name in rows if name not in ends and name not in same]
    said = "; ".join(f"{name} {_text(rows[name].iloc[0])}" for name in same if _there(rows, name))
    kinds, heads, cells = [], [], []
    for name in names:
        number = pd.api.types.is_numeric_dtype(rows[name]) and rows[name].dtype != bool
        columns = _number(rows, name, pairs.get(name)) if number else [_texts(rows[name])]
        kinds += [_format(columns[0]) if number else "l", *("l" for _ in columns[1:])]
        heads += [f"{{{escaped(name)}}}", *("{95\\,\\%}" for _ in columns[1:])]
        cells += columns
    lines = [" & ".join(line) + r" \\" for line in zip(*cells, strict=True)]
    head = " & ".join(heads) + r" \\"
    title = escaped(caption) + (f" ({escaped(said)})" if said else "")
    return "\n".join(
        [
            f"% needs {', '.join(PACKAGES)}",
            rf"\begin{{longtable}}{{@{{}}{' '.join(kinds)}@{{}}}}",
            rf"\caption{{{title}}}\label{{{label}}}\\",
            *(r"\toprule", head, r"\midrule", r"\endfirsthead"),
            *(r"\toprule", head, r"\midrule", r"\endhead"),
            *(r"\bottomrule", r"\endfoot"),
            *lines,
            r"\end{longtable}",
            "",
        ]
    )


def _there(rows: pd.DataFrame, name: str) -> bool:
    return bool(pd.notna(rows[name].iloc[0]))


def _text(value: Any) -> str:
    return rounded(value) if isinstance(value, float) else str(value)


def _texts(values: pd.Series) -> list[str]:
    return ["" if pd.isna(value) else escaped(value) for value in values]


def _number(rows: pd.DataFrame, name: str, ends: tuple[str, str] | None) -> list[list[str]]:
    if not ends:
        whole = pd.api.types.is_integer_dtype(rows[name])
        return [[str(v) if whole else rounded(float(v)) for v in rows[name]]]
    widths = rows[ends[1]] - rows[ends[0]]
    values = [rounded(v, w) for v, w in zip(rows[name], widths, strict=True)]
    return [values, [interval(*row) for row in rows[list(ends)].itertuples(index=False)]]


def interval(low: float, high: float) -> str:
    r"""``[\num{0.27}, \num{0.71}]``; empty without ends."""
    if pd.isna(low) or pd.isna(high):
        return ""
    return rf"[\num{{{rounded(low, high - low)}}}, \num{{{rounded(high, high - low)}}}]"


def _format(cells: Iterable[str]) -> str:
    """The ``S`` column that these numbers fit: digits before and behind the point."""
    parts = [cell.removeprefix("-").partition(".") for cell in cells if cell]
    whole = max((len(part[0]) for part in parts), default=1)
    behind = max((len(part[2]) for part in parts), default=0)
    minus = "-" if any(cell.startswith("-") for cell in cells) else ""
    return rf"S[table-format={minus}{whole}.{behind}]"


DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def macro(parts: Sequence[object]) -> str:
    """A name that LaTeX takes: letters only, digits spelled, capitals where a word begins."""
    said = []
    for part in parts:
        words = "".join(
            f" {DIGITS[int(sign)]} " if sign.isdigit() else sign if sign.isalpha() else " "
            for sign in str(part)
        ).split()
        said += [word[0].upper() + word[1:] for word in words]
    name = "".join(said)
    return name[0].lower() + name[1:]
