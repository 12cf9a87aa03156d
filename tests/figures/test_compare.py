"""The command that compares two folders of tables."""

import pytest

from checkpoints.console import UserError
from figures.compare import Settings, main
from figures.kit.plain import read_plain
from tests.support.tree import ROOT

COMMITTED = ROOT / "analysis" / "tables"


def test_committed_tables_are_as_themselves(capsys):
    main(Settings(a=COMMITTED, b=COMMITTED))
    count = len(list(COMMITTED.glob("*.csv")))
    assert capsys.readouterr().out == f"{count} tables compared, 0 differ\n"


@pytest.mark.parametrize(("share", "ends"), [(0.05, False), (0.5, True)])
def test_a_move_is_an_error_from_a_share_of_its_interval_on(tmp_path, capsys, share, ends):
    path = COMMITTED / "robustness.csv"
    frame = read_plain(path)
    row = frame["tv"].first_valid_index()
    frame.loc[row, "tv"] += share * (frame.loc[row, "tv_high"] - frame.loc[row, "tv_low"])
    other = tmp_path / "robustness.csv"
    frame.to_csv(other, index=False)
    settings = Settings(a=path, b=other)
    if ends:
        with pytest.raises(SystemExit, match="1"):
            main(settings)
    else:
        main(settings)
    said = capsys.readouterr().out
    assert f"({share:g} widths)" in said
    assert f"1 numbers (0 without an interval), at most {share:g} widths" in said
    assert said.endswith("1 tables compared, 1 differ\n")


def test_tables_that_one_folder_lacks_are_named(tmp_path):
    (tmp_path / "mine.csv").write_text("a\n1\n")
    with pytest.raises(UserError, match=r"expected the same tables in .*cka.csv.*mine.csv"):
        main(Settings(a=COMMITTED, b=tmp_path))
