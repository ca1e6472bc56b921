"""An installed whence finds its ontology and data outside the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_wheel_ships_ontology_and_data(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        check=True, cwd=ROOT, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import kb.settings as s; x = s.Settings(); "
        "print(s.__file__, len(list(x.ontology.glob('*.ttl'))), len(list(x.datasets.glob('*.yaml'))), "
        "*(len(list(path.glob(kind))) for path, kind in ((x.ontology / 'questions', '*.rq'), "
        "(x.ontology / 'shapes', '*.ttl'), (x.ontology / 'mappings', '*.tsv'), (x.data / 'evidence', '*.yaml'), "
        "(x.data / 'phrases', '*.tsv'), (x.data / 'queries', '*.rq'))))"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); {code}"],
        check=True, cwd=tmp_path, capture_output=True, text=True, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    file, modules, datasets, *others = result.stdout.split()
    assert all(int(count) > 0 for count in others) and len(others) == 6
    assert file.startswith(str(tmp_path))
    assert int(modules) == len(list((ROOT / "ontology").glob("*.ttl")))
    assert int(datasets) == 1259
    assert (tmp_path / "site" / "api" / "templates" / "home.html").is_file()
