"""The ledger as a Markdown file."""

import pandas as pd

from analysis.records.runs import MARGIN
from analysis.stats.look_verdicts import NO_EFFECT
from figures.kit.in_words import EXPLORATORY
from figures.kit.verdicts import AGAINST, LEVEL, SUPPORTED


def table(rows: pd.DataFrame) -> list[str]:
    """Lines of a Markdown table."""
    lines = [rows.columns, ["---"] * rows.shape[1], *rows.itertuples(index=False, name=None)]
    return [f"|{'|'.join(line)}|" for line in lines]


def markdown(short: list[str], title: str, claims: pd.DataFrame, controls: pd.DataFrame) -> str:
    """The ledger as a file; ``short``: paragraphs of plain sentences that it begins with."""
    lines = [
        "# The claims of arXiv 2501.02481, held against what was measured",
        "",
        *[line for paragraph in (*short, EXPLORATORY) for line in (paragraph, "")],
        f"Where nothing else is said: mutual distillation and PPO on {title}, at equal frames; TV "
        "between twins and ICC on unseen backgrounds, what has no backgrounds to compare on all; "
        "actions merged that do the same. Mean over runs (of factors geometric), factor or "
        "difference with Welch's 95 % interval over runs, of peers Student's over runs, and what "
        "could have been detected with probability .8, given how uncertain the spread over runs "
        f"is. *{SUPPORTED}* and *{AGAINST}* need an interval on one side of no effect, runs that "
        f"all see where that was measured, and a false-discovery rate q of at most {LEVEL:g} among "
        f"the rows that have one; *{NO_EFFECT}* needs both one-sided tests against a factor of "
        f"{MARGIN:g}, and is asked of factors alone. A run sees if each of its policies earns two "
        "standard errors more than its own mix of actions, drawn without looking. Rewritten by "
        "`python -m figures.claims`.",
        "",
        *table(claims),
        "",
        "## Would these measures see invariance?",
        "",
        "PPO trained to decide alike on twins (drac-twins) or recoloured views (drac) of a state, "
        "against PPO at equal steps, over runs; all 15 actions apart, as these runs were measured. "
        "A measure that does not tell drac-twins from PPO cannot show above that there is no "
        "effect; with a single run of it, no measure here can.",
        "",
        *table(controls),
    ]
    return "\n".join(lines) + "\n"
