from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from objrep_gym.figures.importance import importance
from objrep_gym.figures.style import drawn


def test_a_map_is_darker_where_there_is_more_and_crosses_out_what_does_not_vary():
    table = np.array([[1.0, 0.0, np.nan], [0.0, 0.5, np.nan]])
    figure = importance({"a": table, "b": table[:1]}, ["x", "y", "z"])
    first = figure.axes[0]
    assert [text.get_text() for text in first.get_xticklabels()] == ["x", "y", "z"]
    assert [axis.get_title() for axis in figure.axes if axis.get_visible()] == ["a", "b"]
    (image,) = first.images
    opacity = image.to_rgba(image.get_array())[..., 3]
    assert opacity[0, 0] == 1
    assert opacity[0, 1] == opacity[1, 0] == 0
    assert 0.5 < opacity[1, 1] < 0.7
    assert len(first.lines) == 1
    png = np.asarray(Image.open(BytesIO(drawn(lambda: figure, dpi=50))))
    assert png[..., 3].max() == 255


@pytest.mark.parametrize("tables", [{}, {"a": np.zeros((4, 2))}, {"a": np.zeros(3)}])
def test_maps_of_other_factors_are_refused(tables):
    with pytest.raises(ValueError, match="maps of 3 factors"):
        importance(tables, ["x", "y", "z"])
