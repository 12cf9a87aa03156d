"""The ledger as a Markdown file."""

import pandas as pd

from analysis.records.runs import MARGIN
from figures.kit.ledger import AGAINST, LEVEL, NO_EFFECT, SUPPORTED


def table(rows: pd.DataFrame) -> list[str]:
    """Lines of a Markdown table."""
    lines = [rows.columns, ["---"] * rows.shape[1], *rows.itertuples(index=False, name=None)]
    return [f"|{'|'.join(line)}|" for line in lines]


def markdown(title: str, claims: pd.DataFrame, controls: pd.DataFrame) -> str:
    """The ledger as a file."""
    lines = [
        "# The claims of arXiv 2501.02481, held against what was measured",
        "",
        f"Mutual distillation and PPO on {title}, at equal frames, twins on unseen backgrounds, "
        "actions merged that do the same: mean over runs (of factors geometric), factor or "
        "difference with Welch's 95 % interval over runs, and what could have been detected with "
        f"probability .8, given how uncertain the spread over runs is. *{SUPPORTED}* and "
        f"*{AGAINST}* need an interval on one side of no effect and a false-discovery rate of at "
        f"most {LEVEL:g} among these rows; *{NO_EFFECT}* needs both one-sided tests against a "
        f"factor of {MARGIN:g}. A run sees if each of its policies earns two standard errors more "
        "than its own mix of actions, drawn without looking. The sample is exploratory: seed 0 "
        "had been looked at when the contrast was declared, and all seeds share four held-out "
        "backgrounds. Rewritten by `python -m figures.claims`.",
        "",
        *table(claims),
        "",
        "## Would these measures see invariance?",
        "",
        "PPO trained to decide alike on twins (drac-twins) or recoloured views (drac) of a state, "
        "against PPO at equal steps, over runs; all 15 actions apart, as these runs were measured. "
        "A measure that does not tell drac-twins from PPO decides nothing above; what a single run "
        "of it leaves open is open above.",
        "",
        *table(controls),
    ]
    return "\n".join(lines) + "\n"
