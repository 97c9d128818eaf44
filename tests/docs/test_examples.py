"""The example scripts run as a reader would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_a_recurrent_network_is_trained_measured_and_trained_on() -> None:
    if not os.environ.get("ANAMORPH_DATA"):
        pytest.skip("needs the recordings of spoken digits, in a folder of ANAMORPH_DATA")
    command = [sys.executable, str(EXAMPLES / "recurrent_speech.py"), "--quick", "--dies", "2", "--state", "12"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout
    accuracies = [float(value) for value in re.findall(r"([\d.]+)%", said)]
    # one network, two dies before and after, and both means
    assert len(accuracies) == 7 and all(0 <= value <= 100 for value in accuracies)
    assert "1030 synapses" in said
