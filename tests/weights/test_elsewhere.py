"""Weights from a URL, the hub, wandb: checked, resumed, never half there."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import huggingface_hub
import pytest

from objrep_gym import weights
from objrep_gym.data import fetch as fetching
from objrep_gym.models import MODELS
from objrep_gym.weights import CARD, CONFIG, WEIGHTS, WeightsError, digest, elsewhere, load, published, resolve, save
from tests.data.fake_model import TinyConfig
from tests.data.serving import Server, serving


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setitem(MODELS, "tiny", TinyConfig())
    monkeypatch.setenv("OBJREP_GYM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetching, "WAIT", 0.0)
    monkeypatch.setattr(fetching, "PIECE", 1000)


@pytest.fixture
def folder(tmp_path):
    """Weights with a card beside them, as `export` leaves them."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / CARD).write_text("# a card")
    beside = {CARD: digest(b"# a card")}
    return save(tmp_path / "run", TinyConfig(width=5, rate=0.5).build(), beside=beside)


@pytest.fixture
def server(folder):
    with serving({f"/w/tiny@far/{path.name}": path.read_bytes() for path in folder.iterdir()}) as running:
        yield running


def pin(folder) -> str:
    return digest((folder / CONFIG).read_bytes())


def address(server: Server, folder) -> str:
    return f"{server.url('/w/tiny@far')}#sha256={pin(folder)}"


def installed(tmp_path) -> list[str]:
    """Which files of weights the cache has under their names."""
    found = (path for path in tmp_path.glob("cache/weights/*/*") if not path.name.startswith("."))
    return sorted(path.name for path in found if path.suffix not in (".part", ".new"))


def test_a_url_is_fetched_once_with_what_lies_beside(server, folder, tmp_path, capsys):
    assert load(address(server, folder)).latent_size == 5
    assert installed(tmp_path) == [CARD, CONFIG, WEIGHTS]
    assert "fetch weights.safetensors" in capsys.readouterr().out
    server.http.shutdown()
    count = len(server.asked)
    assert load(address(server, folder)).latent_size == 5, "without a network from then on"
    assert len(server.asked) == count == 3


def test_workers_that_load_the_same_at_once_fetch_it_once(server, folder, monkeypatch):
    """As the workers of a vector environment do: all have seen that nothing is there before the first begins."""
    together, found = threading.Barrier(4), elsewhere.cache()
    monkeypatch.setattr(elsewhere, "cache", lambda: (together.wait(), found)[1])
    with ThreadPoolExecutor(4) as workers:
        folders = list(workers.map(resolve, [address(server, folder)] * 4))
    assert len(set(folders)) == 1
    assert len(server.asked) == 3


def test_the_query_of_an_address_stands_behind_every_file(server, folder):
    server.files = {f"{path}?token=abc": content for path, content in server.files.items()}
    where, pinned = address(server, folder).split("#")
    assert resolve(f"{where}?token=abc#{pinned}").name.startswith("tiny@far-")
    assert load(f"{where}/?token=abc#{pinned}").latent_size == 5


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG])
def test_what_was_deleted_from_the_cache_is_fetched_again(server, folder, name):
    (resolve(address(server, folder)) / name).unlink()
    assert load(address(server, folder)).latent_size == 5


def test_a_folder_that_is_served_as_files_needs_no_pin(folder):
    assert load(folder.as_uri()).latent_size == 5
    with pytest.raises(WeightsError, match="not encrypted, and no sha256 is known"):
        load("http://127.0.0.1:9/tiny@far")


@pytest.mark.parametrize("ranges", [True, False])
def test_what_breaks_off_is_resumed_and_never_half_installed(server, folder, tmp_path, ranges):
    whole = (folder / WEIGHTS).stat().st_size
    server.ranges, server.breaks = ranges, [10_000, 1000, *[0] * 20]
    with pytest.raises(WeightsError, match=rf"tiny@far: it could not be fetched .*{WEIGHTS} broke off.*goes on from there"):
        load(address(server, folder))
    assert installed(tmp_path) == []
    server.breaks, server.asked = [], []
    assert load(address(server, folder)).latent_size == 5
    assert whole > 1000
    begun = "bytes=1000-" if ranges else None
    assert [asked.get("Range") for asked in server.asked] == [None, begun, None]  # config.json is asked for anew


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, CARD])
def test_altered_bytes_are_not_installed(server, folder, tmp_path, name):
    server.files[f"/w/tiny@far/{name}"] = server.files[f"/w/tiny@far/{name}"].replace(b"a", b"e", 1)
    with pytest.raises(WeightsError, match=rf"{name} gave other bytes than promised"):
        load(address(server, folder))
    assert CONFIG not in installed(tmp_path)
    server.files[f"/w/tiny@far/{name}"] = (folder / name).read_bytes()
    assert load(address(server, folder)).latent_size == 5


@pytest.mark.parametrize("lie", [-5, 5])
def test_a_server_that_lies_about_lengths_installs_nothing(server, folder, tmp_path, lie):
    server.lie = lie
    with pytest.raises(WeightsError, match=r"other bytes than promised|broke off"):
        load(address(server, folder))
    assert installed(tmp_path) == []


def test_weights_that_were_replaced_meanwhile_are_fetched_anew(server, folder, tmp_path):
    """Without a pin: the config of the first call fits the weights of the second no more."""
    there = folder.as_uri()
    (folder / CARD).rename(tmp_path / "aside")
    with pytest.raises(WeightsError, match=rf"{CARD} gives nothing"):
        load(there)
    assert CONFIG not in installed(tmp_path)
    save(folder, TinyConfig(width=6).build())
    assert load(there).latent_size == 6


def test_nothing_stays_of_a_version_that_was_replaced(folder, tmp_path):
    (resolve(folder.as_uri()) / WEIGHTS).unlink()
    save(folder, TinyConfig(width=6).build())  # which names no card
    assert load(folder.as_uri()).latent_size == 6
    assert installed(tmp_path) == [CONFIG, WEIGHTS]


DESCRIBED = {
    "no digest": {"config": {}},
    "a list": [],
    "a way out": {"sha256": "0" * 64, "beside": {"../../x": "0" * 64}},
    "a name that is none of ours": {"sha256": "0" * 64, "beside": {"setup.py": "0" * 64}},
}


@pytest.mark.parametrize("kind", DESCRIBED)
def test_a_config_that_describes_no_folder_is_named(tmp_path, kind):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / CONFIG).write_text(json.dumps(DESCRIBED[kind]))
    with pytest.raises(WeightsError, match=r"this config\.json (names|does not say)"):
        load((tmp_path / "there").as_uri())
    assert installed(tmp_path) == []


@pytest.mark.parametrize("mark", ["#sha256=12", "#md5=" + "0" * 32, "#"])
def test_a_pin_of_another_form_is_refused(mark):
    with pytest.raises(WeightsError, match="64 hexadecimal digits"):
        load(f"hf:org/name{mark}")


def test_a_published_name_ships_or_is_fetched(server, folder, tmp_path, monkeypatch):
    shipped = tmp_path / "pretrained"
    monkeypatch.setattr(weights, "PRETRAINED", shipped)
    monkeypatch.setattr(weights, "LISTED", tmp_path / "weights.toml")
    save(shipped / "tiny@squares", TinyConfig().build())
    entry = f'["tiny@far"]\nurl = "{server.url("/w/tiny@far")}"\nsha256 = "{pin(folder)}"'
    (tmp_path / "weights.toml").write_text(entry)
    assert published() == ["tiny@far", "tiny@squares"]
    assert load("tiny@squares").latent_size == 4
    assert load("tiny@far").latent_size == 5
    assert resolve("tiny@far").is_relative_to(tmp_path / "cache")
    (tmp_path / "weights.toml").write_text(entry.replace(pin(folder), "0" * 64))
    with pytest.raises(WeightsError, match=r"tiny@far.*other bytes than promised"):
        load("tiny@far")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('url = "https://example.org/x"', r"tiny@far: an entry has url .* and sha256"),
        ('url = "https://example.org/x"\nsha256 = "12"', "an entry has url"),
        (f'url = "ftp://example.org/x"\nsha256 = "{"0" * 64}"', r"url 'ftp://example\.org/x' begins with none of hf:"),
        ('url = "https', "weights.toml"),
    ],
)
def test_a_list_that_is_damaged_is_named(tmp_path, monkeypatch, entry, message):
    monkeypatch.setattr(weights, "LISTED", tmp_path / "weights.toml")
    (tmp_path / "weights.toml").write_text(f'["tiny@far"]\n{entry}')
    with pytest.raises(WeightsError, match=message):
        load("tiny@far")


def test_the_list_that_ships_can_be_read():
    assert all(weights.place(name, entry, weights.LISTED) for name, entry in weights.listed().items())


def test_a_wandb_artifact_is_fetched_by_the_journal(folder, monkeypatch):
    from objrep_gym import journal

    monkeypatch.setattr(journal, "download", {"a/b/c:v1": folder}.__getitem__)
    assert load("wandb:a/b/c:v1").latent_size == 5
    assert load(f"wandb:a/b/c:v1#sha256={pin(folder)}").latent_size == 5
    with pytest.raises(WeightsError, match=r"wandb:a/b/d:v1: wandb could not fetch it"):
        load("wandb:a/b/d:v1")


def test_a_pin_holds_for_what_lies_beside_wherever_it_lies(folder, monkeypatch):
    from objrep_gym import journal

    monkeypatch.setattr(journal, "download", {"a/b/c:v1": folder}.__getitem__)
    pinned = f"wandb:a/b/c:v1#sha256={pin(folder)}"
    (folder / "probe.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"probe\.json was altered: .* config\.json beside it says nothing of it"):
        load(pinned)
    (folder / "probe.json").unlink()
    (folder / CARD).write_text("# another card")
    with pytest.raises(WeightsError, match=rf"{CARD} was altered: its sha256 is .* says {digest(b'# a card')}"):
        load(pinned)
    assert load("wandb:a/b/c:v1").latent_size == 5


def hub(folder, tmp_path):
    """A folder as the hub's cache has it: links to blobs two levels up."""
    blobs, snapshot = tmp_path / "models--org--name" / "blobs", tmp_path / "models--org--name" / "snapshots" / "abc"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for path in folder.iterdir():
        (blobs / path.name[:4]).write_bytes(path.read_bytes())
        (snapshot / path.name).symlink_to(blobs / path.name[:4])
    return snapshot


def test_a_hub_repository_is_fetched_and_its_cache_links_are_followed(folder, tmp_path, monkeypatch):
    asked, snapshot = [], hub(folder, tmp_path)

    def download(name, allow_patterns, **which):
        asked.append((name, which))
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert load("hf:org/name").latent_size == 5
    assert load(f"hf:org/name@v2#sha256={pin(folder)}").latent_size == 5
    assert asked == [("org/name", {}), ("org/name", {"revision": "v2"})]
    with pytest.raises(WeightsError, match=r"hf:org/name was altered: the sha256 of its config\.json is .* not 000"):
        load(f"hf:org/name#sha256={'0' * 64}")
    with pytest.raises(WeightsError, match="write hf:org/name"):
        load("hf:org/../../etc")
    (snapshot / WEIGHTS).unlink()
    with pytest.raises(WeightsError, match=r"hf:org/name holds no weights\.safetensors"):
        load("hf:org/name")


def test_a_hub_that_does_not_answer_says_so(monkeypatch):
    def refuse(name, allow_patterns):
        raise huggingface_hub.errors.LocalEntryNotFoundError("no network and nothing in the cache")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(WeightsError, match=r"hf:org/name: the hub did not give it \(LocalEntryNotFoundError: no network"):
        load("hf:org/name")
