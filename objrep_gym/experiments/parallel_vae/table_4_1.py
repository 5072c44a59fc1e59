"""Table 4.1 — KL as information: what each of four VAEs has to say of a scene (Stavarache 2019, §4.1.4)."""

from objrep_gym.experiments.members_figure import InformationTable
from objrep_gym.experiments.parallel_vae import _runs

DOCUMENT = {
    "ee": ("0.63403076", "0.6190877", "1.4198456", "0.480307"),
    "00": ("33.911064", "0.7044331", "20.23064", "0.5375141"),
    "11": ("0.6985266", "15.11555", "1.8148736", "0.84338933"),
    "22": ("1.9036595", "0.99384606", "30.392303", "1.0314183"),
    "33": ("1.6360512", "2.186792", "28.371572", "7.6027184"),
    "01": ("17.265297", "7.5015736", "11.151404", "0.8603339"),
    "12": ("0.8505232", "8.492853", "14.917055", "0.3921642"),
}

EXPERIMENT = InformationTable(
    "Table 4.1: KL of each member",
    rows={"at its price": _runs.FOUR, "a nat at twice its price": _runs.FIRM},
    scenes={scene: f"digit-pairs:digits=0123,scene={scene}" for scene in DOCUMENT},
    paper={scene: {f"KL-{k}": value for k, value in enumerate(row)} for scene, row in DOCUMENT.items()},
    notes=(
        "At twice its price: after the training of Figure 4.3 all members go on together, until an empty scene costs less.",
        "The document shows one scene in each row; e is the empty digit.",
        *_runs.NOTES,
    ),
)
