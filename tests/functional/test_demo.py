"""The recording of the demo fits what Lathe sends to a model today."""
import os
import subprocess

from conftest import BIN, ROOT


def test_the_demo_repairs_its_repository():
    done = subprocess.run([ROOT / "demo/run"], env=dict(os.environ, LATHE_BIN_DIR=str(BIN)), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
