"""Which table each name stands for: where its schema is declared, loaded only when asked for."""

from importlib import import_module

from analysis.records.tables import Schema
from analysis.records.values import onsets_schema, values_schema
from checkpoints.console import one_of

_HERE = "analysis.studies"
_DECLARED = {
    "cka": f"{_HERE}.similarity.cka:SCHEMA",
    "cka_contrast": f"{_HERE}.similarity.cka_contrasts:CONTRAST_SCHEMA",
    "contrasts": f"{_HERE}.contrasts.rows:SCHEMA",
    "curves": f"{_HERE}.training.curves:SCHEMA",
    "embedding": f"{_HERE}.embedding.study:SCHEMA",
    "embedding_scores": f"{_HERE}.embedding.study:SCORES",
    "emergence_gap": f"{_HERE}.training.gap:SCHEMA",
    "erasure": f"{_HERE}.erasure.rows:SCHEMA",
    "invariance": f"{_HERE}.invariance:SCHEMA",
    "patching": f"{_HERE}.erasure.rows:PATCHING_SCHEMA",
    "probes": "probes.studies.layers:SCHEMA",
    "returns": f"{_HERE}.returns.episodes:SCHEMA",
    "returns_profiles": f"{_HERE}.returns.scores:PROFILES",
    "returns_scores": f"{_HERE}.returns.scores:SCORES",
    "returns_swaps": f"{_HERE}.returns.swaps:SWAP_SCHEMA",
    "robustness": f"{_HERE}.robustness.rows:SCHEMA",
    "saliency": f"{_HERE}.saliency.rows:SCHEMA",
    "saliency_sheet": f"{_HERE}.saliency.rows:SHEET_SCHEMA",
    "similarity": f"{_HERE}.similarity.pairs:SCHEMA",
    "similarity_nulls": f"{_HERE}.similarity.nulls:NULL_SCHEMA",
    "similarity_outliers": f"{_HERE}.similarity.outliers:OUTLIER_SCHEMA",
    "twins": f"{_HERE}.twins:SCHEMA",
    "variation": "probes.studies.variation:SCHEMA",
}
_VALUES = {"emergence": "analysis.emergence", "probes_steps": "probes.steps"}
_ONSETS = {"emergence_onsets": "analysis.emergence", "probes_onsets": "probes.steps"}
TABLES = tuple(sorted({*_DECLARED, *_VALUES, *_ONSETS}))
"""Every table that a command writes."""


def schema_of(name: str) -> Schema:
    """The schema of a table; ``UserError`` where no command writes one of that name."""
    one_of("table", name, TABLES)
    if name in _VALUES:
        return values_schema(name, _VALUES[name])
    if name in _ONSETS:
        return onsets_schema(name, _ONSETS[name])
    module, _, attribute = _DECLARED[name].partition(":")
    found: Schema = getattr(import_module(module), attribute)
    return found
