import pathlib
import sys

FUNCTIONAL = pathlib.Path(__file__).resolve().parents[1] / "functional"
sys.path.insert(0, str(FUNCTIONAL))
