"""Figures: what they show, in pixels; pages: one file, escaped, with its images inside."""

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from objrep_gym.figures.animation import animation, beside, enlarged
from objrep_gym.figures.curves import Curve, Level, curves, exponential, smooth
from objrep_gym.figures.decomposition import Parts, compared, decomposition, overlaid, segments, slot_images, truth
from objrep_gym.figures.exchange import Exchange, exchange
from objrep_gym.figures.grid import grid, montage, sheet
from objrep_gym.figures.information import heat
from objrep_gym.figures.page import CSS, Code, Figures, Picture, Section, data_uri, page
from objrep_gym.figures.style import both, drawn, slot_colours
from objrep_gym.figures.traversal import effects, traversal

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5, 16, 24, 3), np.uint8)


def opened(png: bytes) -> Image.Image:
    return Image.open(BytesIO(png))


def halves(slots: int = 3) -> np.ndarray:
    """Masks of five images: slot 1 has the left half, slot 2 the right."""
    masks = np.zeros((5, slots, 16, 24))
    masks[:, 1, :, :12] = masks[:, 2, :, 12:] = 1
    return masks


def test_slots_have_colours_of_their_own():
    assert len(np.unique(slot_colours(14), axis=0)) == 14
    assert (slot_colours(20)[14:] == slot_colours(6)).all()


def test_a_figure_is_drawn_for_light_and_for_dark_paper():
    figures = both(lambda: grid(IMAGES, 3, titles=list("abcde")), dpi=60)
    light, dark = (np.asarray(opened(figures[paper])) for paper in ("light", "dark"))
    assert light.shape == dark.shape
    assert light.shape[2] == 4
    assert (light[..., 3] == 0).any(), "the paper shows through"
    assert (light != dark).any(), "the ink differs"


def test_a_grid_shows_the_images():
    red = np.zeros((4, 64, 64, 3), np.uint8)
    red[..., 0] = 255
    shown = np.asarray(opened(drawn(lambda: grid(red, 2), dpi=60)))
    pure = (shown[..., :3] == (255, 0, 0)).all(-1) & (shown[..., 3] == 255)
    assert pure.mean() > 0.8


def test_a_grid_wants_a_title_for_each_or_none():
    with pytest.raises(ValueError, match="2 titles for 5 images"):
        grid(IMAGES, titles=["a", "b"])


def test_a_montage_keeps_every_pixel():
    sheet = montage(IMAGES, columns=3, gap=2, background=7)
    assert sheet.shape == (16 * 2 + 2, 24 * 3 + 4, 3)
    assert (sheet[18:, 26:50] == IMAGES[4]).all()
    assert (sheet[16:18] == 7).all()
    assert (sheet[18:, 52:] == 7).all(), "the empty place"


def test_segments_are_the_largest_masks_and_pale_where_unsure():
    sure = segments(halves())
    assert (sure[:, :, :12] == slot_colours(3)[1]).all()
    assert (sure[:, :, 12:] == slot_colours(3)[2]).all()
    unsure = segments(np.full((1, 4, 2, 2), 0.25))
    assert (unsure > slot_colours(4)[0]).any()


def test_truth_has_greys_for_the_background_and_colours_for_objects():
    ids = np.arange(10).reshape(1, 2, 5)
    shown = truth(ids, background=6)[0].reshape(10, 3).astype(int)
    assert (np.ptp(shown[:6], axis=1) < 20).all()
    assert (shown[6:] == slot_colours(4)).all()


def test_parts_are_as_opaque_as_their_masks():
    parts = RNG.integers(0, 256, (5, 3, 16, 24, 3), np.uint8)
    seen = slot_images(Parts(IMAGES, halves(), parts=parts))
    assert (seen[:, :, :, :, :3] == parts).all()
    assert (seen[:, 0, :, :, 3] == 0).all()
    assert (seen[:, 1, :, :12, 3] == 255).all()
    assert (slot_images(Parts(IMAGES, halves()))[:, 2, :, :, :3] == IMAGES).all(), "without parts the image is cut out"


@pytest.mark.parametrize(("whole", "columns"), [(True, 4 + 3), (False, 2 + 3)])
def test_a_decomposition_has_a_column_for_each_thing(whole, columns):
    more = {"reconstruction": IMAGES, "truth": np.zeros((5, 16, 24), int), "background": 1} if whole else {}
    figure = decomposition(Parts(IMAGES, halves(), **more))
    titles = [text.get_text() for text in figure.axes[0].texts]
    assert len(titles) == columns
    assert titles[0] == "image"
    assert titles[-3:] == ["slot 0", "slot 1", "slot 2"]


def test_a_decomposition_of_other_sizes_is_refused():
    with pytest.raises(ValueError, match="one size"):
        decomposition(Parts(IMAGES, np.zeros((5, 3, 8, 8))))


def test_models_are_compared_scene_by_scene():
    seen = Parts(IMAGES, halves(), reconstruction=IMAGES)
    names = ["a", "b", "c", "d", "e"]
    figure = compared({"one": seen, "two": seen}, rows=names)
    titles = [text.get_text() for text in figure.axes[0].texts]
    assert titles == ["image", "one\nsegments", "one\ndrawn again", "two\nsegments", "two\ndrawn again", *names]
    with pytest.raises(ValueError, match="'two' has no reconstruction"):
        compared({"one": seen, "two": Parts(IMAGES, halves())})
    with pytest.raises(ValueError, match=r"'two' .* other scenes than 'one'"):
        compared({"one": seen, "two": Parts(IMAGES[::-1], halves(), reconstruction=IMAGES)})


def test_an_overlay_tints_and_draws_borders():
    grey = np.full((5, 16, 24, 3), 100, np.uint8)
    over = overlaid(grey, halves())
    assert len(np.unique(over[0].reshape(-1, 3), axis=0)) == 3, "two tints and one border"
    assert (overlaid(grey, np.ones((5, 1, 16, 24)), strength=0.0) == grey).all()


def test_curves_name_their_ends_apart():
    x = np.arange(10)
    line = Curve(x, np.full(10, 0.5), np.full(10, 0.4), np.full(10, 0.6))
    figure = curves({"a": line, "b": line}, "steps", "success", {"chance": Level(0.5, 0.4, 0.6)}, "rate")
    names = {text.get_text(): text.xy[1] for text in figure.axes[0].texts}
    heights = sorted(names.values())
    assert set(names) == {"a", "b", "chance"}
    assert np.diff(heights).min() > 0.05
    assert figure.axes[0].get_ylim() == (0, 1)
    assert len(opened(drawn(lambda: figure)).getbands()) == 4


def test_names_stand_beside_the_ends_of_lines_that_are_far_from_zero():
    lines = {
        "a": Curve(np.arange(3), np.array([4300.0, 4200, 4100])),
        "b": Curve(np.arange(3), np.array([4300.0, 4250, 4250])),
    }
    low, high = (text.xy[1] for text in curves(lines, "steps", "nats").axes[0].texts)
    assert 0 < low < 0.1 < 0.7 < high < 0.8


def test_names_stand_beside_the_ends_of_their_lines_on_a_logarithmic_axis():
    x, y = np.arange(1, 10), 10.0 ** -np.linspace(1, 3, 9)
    figure = curves({"falls": Curve(x, y), "stays": Curve(x, np.full(9, 0.1))}, "steps", "MSE", scale="log")
    (axis,) = figure.axes
    for text, height in zip(axis.texts, (y[-1], 0.1), strict=True):
        place = axis.transAxes.inverted().transform(axis.transData.transform((1, height)))[1]
        assert text.xy[1] == pytest.approx(place)


def test_smoothing_weighs_by_counts():
    smoothed = smooth(np.array([np.nan, 1.0, 0.0, 0.0]), np.array([0, 1, 3, 4]), window=2)
    assert np.isnan(smoothed[0])
    assert smoothed[1:] == pytest.approx([1.0, 0.25, 0.0])


def test_an_animation_plays_every_frame_and_holds_the_last():
    frames = np.stack([np.full((20, 30, 3), 40 * i, np.uint8) for i in range(5)])
    film = opened(animation(frames, 0.1, hold=0.7))
    assert (film.format, film.n_frames, film.size) == ("WEBP", 5, (30, 20))
    durations = []
    for i in range(5):
        film.seek(i)
        assert np.abs(np.asarray(film.convert("RGB")).astype(int) - 40 * i).mean() < 6
        durations.append(film.info["duration"])  # known once the frame is read
    assert durations[-1] == 700


def test_an_animation_wants_frames():
    with pytest.raises(ValueError, match="at least one"):
        animation(np.zeros((0, 4, 4, 3), np.uint8))


def test_panels_stand_beside_each_other():
    left, right = np.zeros((3, 8, 8, 3), np.uint8), np.full((3, 16, 16, 3), 200, np.uint8)
    both_panels = beside(left, right, size=32, gap=4, background=9)
    assert both_panels.shape == (3, 32, 68, 3)
    assert (both_panels[:, :, :32] == 0).all()
    assert (both_panels[:, :, 32:36] == 9).all()
    assert (both_panels[:, :, 36:] == 200).all()
    assert enlarged(left, 5).shape == (3, 5, 5, 3)
    with pytest.raises(ValueError, match="3, 2 frames"):
        beside(left, right[:2], size=32)


PNG = drawn(lambda: grid(IMAGES), dpi=30)


def test_a_page_is_one_file_with_its_images_inside():
    sections = [
        Section("One <b>", ["Text & more", Picture({"light": PNG, "dark": PNG}, "two 'papers'", "caption"), Code("a < b")]),
        Section("Two", [Figures([("82 %", "success")]), Picture(animation(IMAGES), "film", width=300)]),
    ]
    html = page("Title", "Lead", sections, {"commit": "abc"})
    assert html.count("data:image/png;base64,") == 2
    assert html.count("data:image/webp;base64,") == 1
    assert not re.search(r'(src|href)="(?!data:)', html), "nothing is fetched"
    assert "<script" not in html
    assert "One &lt;b&gt;" in html
    assert "Text &amp; more" in html
    assert "a &lt; b" in html
    assert "max-width:300px" in html
    assert html.count("<section>") == html.count("</section>") == 2


def test_a_page_is_readable_in_the_dark():
    light, dark = re.findall(r":root\{([^}]*)\}", CSS)
    names = [re.findall(r"--(\w+):", colours) for colours in (light, dark)]
    assert names[0] == names[1], "every colour has its dark twin"


def test_an_image_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="neither PNG"):
        data_uri(b"JFIF....")


def coloured(rows: int, columns: int) -> np.ndarray:
    """Images of one colour each, which tells row and column."""
    images = np.zeros((rows, columns, 64, 64, 3), np.uint8)
    images[..., 0] = (60 * np.arange(1, rows + 1))[:, None, None, None]
    images[..., 1] = (40 * np.arange(1, columns + 1))[None, :, None, None]
    return images


def seen_in(picture: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Where the middle of each image's colour lies in a picture, (R, C, 2) as y and x."""
    places = np.zeros((*images.shape[:2], 2))
    for row, column in np.ndindex(images.shape[:2]):
        same = (picture[..., :3] == images[row, column, 0, 0]).all(-1) & (picture[..., 3] == 255)
        assert same.sum() > 100, "every image is there"
        places[row, column] = np.argwhere(same).mean(0)
    return places


def test_a_sheet_has_its_rows_and_columns():
    images = coloured(3, 4)
    picture = np.asarray(opened(drawn(lambda: sheet(images, ("a", "b", "c"), ("1", "2", "3", "4")), dpi=60)))
    places = seen_in(picture, images)
    assert (np.diff(places[..., 0], axis=0) > 20).all()
    assert (np.diff(places[..., 1], axis=1) > 20).all()
    with pytest.raises(ValueError, match="2 names for 3 rows"):
        sheet(images, ("a", "b"))
    with pytest.raises(ValueError, match="1 names for 4 columns"):
        sheet(images, columns=("a",))


def test_a_traversal_shows_where_it_starts_and_what_changes():
    images = coloured(2, 3)
    origin = np.full((2, 64, 64, 3), 255, np.uint8)
    values = np.array([-2.25, 0.0, 2.25])
    picture = np.asarray(opened(drawn(lambda: traversal(images, values, ("z 1", "z 2"), origin), dpi=60)))
    assert (seen_in(picture, images)[..., 1] > picture.shape[1] / 4).all(), "the origin stands before them"
    with pytest.raises(ValueError, match="for 2 values"):
        traversal(images, values[:2])
    with pytest.raises(ValueError, match="origin has the shape"):
        traversal(images, values, origin=origin[:1])


def test_effects_rank_latents():
    images = np.zeros((3, 5, 8, 8, 3), np.uint8)
    images[1] = np.linspace(0, 255, 5).astype(np.uint8)[:, None, None, None]
    images[2, :, 0] = np.linspace(0, 255, 5).astype(np.uint8)[:, None, None]
    found = effects(images)
    assert found[0] == 0
    assert found[1] == pytest.approx(np.linspace(0, 1, 5).std(), abs=0.01)
    assert found[2] == pytest.approx(found[1] / 8, rel=0.05)


def test_an_exchange_has_six_columns():
    pairs = coloured(2, 6)
    one = Exchange(pairs[:, :2], pairs[:, 2:4], pairs[:, 4:])
    places = seen_in(np.asarray(opened(drawn(lambda: exchange(one), dpi=60))), pairs)
    assert (np.diff(places[..., 1], axis=1) > 20).all()
    with pytest.raises(ValueError, match="all must be one"):
        exchange(Exchange(pairs[:, :2], pairs[:, 2:3], pairs[:, 4:]))


def test_heat_is_white_where_most_is_said():
    maps = heat(np.array([[[0.0, 2.0], [4.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]), (8, 8))
    assert maps.shape == (2, 8, 8, 3)
    assert (maps[0, 4:, :4] == 255).all()
    assert (maps[0, :4, 4:] == 128).all()
    assert not maps[0, :4, :4].any()
    assert not maps[1].any()
    with pytest.raises(ValueError, match="do not divide"):
        heat(np.zeros((1, 3, 3)), (8, 8))
    with pytest.raises(ValueError, match="never below 0"):
        heat(np.full((1, 2, 2), -1.0), (8, 8))


def test_an_exponential_average_follows_slowly():
    averages = exponential(np.array([1.0, 1.0, 4.0]), span=3)
    np.testing.assert_allclose(averages, [1.0, 1.0, 2.5])
    np.testing.assert_allclose(exponential(np.array([3.0, 5.0]), span=1), [3.0, 5.0])
    with pytest.raises(ValueError, match="span 0"):
        exponential(np.ones(2), 0)
