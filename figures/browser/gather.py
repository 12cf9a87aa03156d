"""All parts of the page, put together."""

from collections.abc import Sequence
from pathlib import Path

from figures.browser.player import player
from figures.browser.slots import APP, filled
from figures.browser.sources import PagePlaces
from figures.browser.study import methods_of, study


def page(
    *, tables: Path, figures: Path, zoo: Path, ids: Sequence[str], links: str, output: Path
) -> str:
    """The page as text; settings as in ``figures.page``.

    Raises:
        UserError: an id of nothing that is kept, or a page that grew too large.
    """
    places = PagePlaces(tables, figures, output, links)
    playing, files = player(places, ids, zoo)
    said = study(places)
    data = {"player": playing, "study": said, "methods": methods_of(said)}
    return filled(APP.read_text(encoding="utf-8"), data, files)
