"""What points of methods are drawn with: rules and crosses have other markers."""

from figures.kit.style import METHOD_STYLES, SPARE_STYLES

MARKERS = {style.marker for style in (*METHOD_STYLES.values(), *SPARE_STYLES)}
