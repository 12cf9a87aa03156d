"""The mathematics of reading a layer: fits, folds, scores, controls and description lengths."""
