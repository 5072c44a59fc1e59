import numpy as np
import pytest

from objrep_gym.figures.agreement import agreement
from objrep_gym.figures.style import drawn


def test_every_model_is_a_point_and_every_row_looks_different():
    rng = np.random.default_rng(0)
    rows = {f"row {i}": rng.random((3, 2)) for i in range(9)}
    figure = agreement(rows, "one", "other")
    (axis,) = figure.axes
    assert [line.get_xydata().tolist() for line in axis.lines] == [points.tolist() for points in rows.values()]
    assert len({(line.get_color(), line.get_marker()) for line in axis.lines}) == 9
    assert [text.get_text() for text in axis.get_legend().get_texts()] == list(rows)
    assert drawn(lambda: figure, dpi=40)


@pytest.mark.parametrize("rows", [{}, {"a": np.zeros(2)}, {"a": np.zeros((2, 3))}])
def test_what_are_no_points_is_refused(rows):
    with pytest.raises(ValueError, match="points of rows"):
        agreement(rows, "one", "other")
