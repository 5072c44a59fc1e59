"""Pictures of the environments for people, and the list of all there is."""

from io import BytesIO

import gymnasium as gym
import numpy as np
import pytest
from PIL import Image

from objrep_gym import cli
from objrep_gym.agents.extractors import EXTRACTORS
from objrep_gym.envs.pages import bases, ids, page
from objrep_gym.experiments.film import HOLD, WON
from objrep_gym.experiments.gallery import animated, episodes, first_scene, picture, sheet
from objrep_gym.experiments.inventory import describe, inventory
from objrep_gym.experiments.reproduce import names


def test_a_first_scene_is_what_the_environment_begins_with():
    env = gym.make("ObjRep/Reach-v0", look="published", size=(48, 48), engine="raycast")
    seen, _ = env.reset(seed=3)
    drawn = first_scene("ObjRep/Reach-v0", 48, seed=3)
    assert drawn.shape == (48, 48, 3)
    change = np.abs(drawn.astype(int) - seen).max(axis=-1)
    assert 0 < (change > 8).mean() < 0.25  # edges alone, which are smooth


def test_the_privileged_hand_is_seen_to_succeed():
    played = episodes("ObjRep/Reach-v0", 32, seed=5)
    assert len(played) >= 2
    assert sum(len(frames) for frames, _ in played) >= 12
    assert all(won for _, won in played)
    for frames, _ in played:
        assert frames.shape[1:] == (32, 32, 3)
        assert (frames[1:] != frames[:-1]).any(axis=(1, 2, 3)).all()  # it moves in each
    still = episodes("ObjRep/Scenes-v0", 16, seed=0)
    assert len(still) == 6
    assert not any(won for _, won in still)


def test_an_animation_ends_in_a_green_frame_and_keeps_its_limit():
    film = animated("ObjRep/OddOneOut-v0", 64, seed=0, most=40_000)
    assert len(film) <= 40_000
    with Image.open(BytesIO(film)) as image:
        image.seek(image.n_frames - 1)
        last = np.asarray(image.convert("RGB")).astype(int)
        assert image.info["duration"] > 120 * HOLD
    assert np.abs(last[0].mean(axis=0) - WON).max() < 25
    assert np.abs(last[:, -1].mean(axis=0) - WON).max() < 25
    with pytest.raises(ValueError, match="bytes of ObjRep/OddOneOut-v0 at quality 40 are more than 100"):
        animated("ObjRep/OddOneOut-v0", 64, seed=0, most=100)


def test_several_pictures_stand_beside_each_other_and_the_scene_is_first():
    parts = {"goal": np.full((4, 4, 3), 9), "observation": np.zeros((4, 4, 3)), "desired_goal": np.zeros(2)}
    seen = picture(parts)
    assert seen.shape == (4, 8, 3)
    assert (seen[0, 0].max(), seen[0, 7].max()) == (0, 9)


def test_the_sheet_has_a_picture_for_every_environment(tmp_path, capsys):
    assert cli.main(["list", "--sheet", str(tmp_path / "sheet.png")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'sheet.png'}\n"
    with Image.open(tmp_path / "sheet.png") as image:
        columns, rows = min(len(bases()), 6), -(-len(bases()) // 6)
        assert image.mode == "RGB"
        assert image.width / image.height == pytest.approx(columns * 1.55 / (rows * 1.75), rel=0.1)
        assert image.getpixel((1, 1)) == (255, 255, 255)
    assert sheet(tmp_path / "small.png", side=32).stat().st_size > 1000


def test_the_list_says_what_each_id_varies(capsys):
    assert cli.main(["list", "--json"]) == 0
    told = capsys.readouterr().out
    assert all(f'"name": "{name}"' in told for name in ids())
    assert '"about": "Reach with light=\'evening\'"' in told


def test_the_list_names_extractors_and_experiments_and_what_a_preset_changes():
    told = {record["name"]: record for record in inventory()}
    assert {name for name, record in told.items() if record["kind"] == "extractor"} == set(EXTRACTORS)
    assert {name for name, record in told.items() if record["kind"] == "experiment"} == set(names())
    assert all(record["about"] for record in told.values())
    assert told["monet-rn50-star-clevr"]["about"] == ("monet with size=(128, 128), slots=11, attention='rn50-skip'")


def test_the_list_prints_a_page(capsys):
    assert cli.main(["list", "ObjRep/ReachEvening-v0"]) == 0
    told = capsys.readouterr().out
    assert told == page(gym.spec("ObjRep/ReachEvening-v0")) + "\n"
    assert told.startswith("ObjRep/ReachEvening-v0: Reach with light='evening'.\n\nObjRep/Reach-v0: ")


def test_models_data_and_weights_are_described_too():
    assert describe("monet").startswith("MONet")
    assert "rooms" in describe("objects-room").lower()
    assert "held-out scenes" in describe("monet-lite@objects-room")
    assert describe("control/reach").startswith("Reach — what an agent learns from each encoder's slots")
    assert describe("deep-set").startswith("Deep sets (Zaheer et al. 2017)")


def test_an_unknown_name_is_told_of_those_like_it(capsys):
    assert cli.main(["list", "ObjRep/Reech-v0"]) == 2
    assert "did you mean ObjRep/Reach-v0" in capsys.readouterr().err
    assert cli.main(["list", "zzz"]) == 2
    assert "`objrep-gym list` names all" in capsys.readouterr().err
