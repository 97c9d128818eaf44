"""Exported Verilog: other tools read it, and find that it multiplies."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from anamorph.digital.accumulator import mac
from anamorph.digital.logic_simulation import simulate
from anamorph.digital.verilog import verilog, write_verilog
from anamorph.digital.wallace import multiplier

ICARUS, YOSYS = shutil.which("iverilog"), shutil.which("yosys")


def test_one_instance_per_gate_and_every_bit_driven_once(tmp_path: Path) -> None:
    circuit = mac(3, 4)
    text = write_verilog(circuit, tmp_path / "mac.v").read_text()
    assert text == verilog(circuit)
    for kind, count in circuit.counts.items():
        assert len(re.findall(rf"^  {kind} g", text, re.M)) == count
    driven = re.findall(r"\.(?:y|s|co|q)\((n\d+)\)", text)
    assert len(driven) == len(set(driven)) == (circuit.drives >= 0).sum()
    assert "input clk" in text and "input clk" not in verilog(multiplier(3))
    assert list(tmp_path.iterdir()) == [tmp_path / "mac.v"]


@pytest.mark.skipif(ICARUS is None, reason="needs iverilog on the path")
def test_icarus_multiplies_and_accumulates(tmp_path: Path) -> None:
    circuit = mac(4, 256)
    write_verilog(circuit, tmp_path / "mac.v")
    bench = """module bench; reg clk = 0; reg [3:0] a, b; reg keep = 0; wire [15:0] total; wire [7:0] p; integer k;
    mac_4x256 dut(.clk(clk), .a(a), .b(b), .keep(keep), .total(total), .p(p));
    initial for (k = 0; k < 256; k = k + 1) begin
      a = k & 15; b = k >> 4; #1 $display("%0d", p); clk = 1; #1 clk = 0; keep = 1; #1;
      if (k == 255) $display("%0d", total); end
    endmodule"""
    (tmp_path / "bench.v").write_text(bench)
    icarus = [str(ICARUS), "-g2001", "-o", "bench", "mac.v", "bench.v"]
    subprocess.run(icarus, cwd=tmp_path, check=True, timeout=60)
    answer = subprocess.run(["vvp", "bench"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    k = np.arange(256)
    products = (k & 15) * (k >> 4)
    assert [int(line) for line in answer.stdout.split()] == [*products, products.sum()]
    ours = simulate(circuit, {"a": k & 15, "b": k >> 4, "keep": (k > 0).astype(int)})
    np.testing.assert_array_equal(ours.outputs["p"][:, 0], products.astype(np.uint64))


@pytest.mark.skipif(YOSYS is None, reason="needs yosys on the path")
def test_yosys_proves_that_it_multiplies(tmp_path: Path) -> None:
    write_verilog(multiplier(4), tmp_path / "mul.v")
    wrapper = """module checked(input [3:0] a, input [3:0] b, output ok); wire [7:0] p;
    wallace_4 dut(.a(a), .b(b), .p(p)); assign ok = p == a * b; endmodule"""
    (tmp_path / "checked.v").write_text(wrapper)
    script = "read_verilog mul.v checked.v; prep -top checked -flatten; sat -verify -prove ok 1"
    subprocess.run([str(YOSYS), "-q", "-p", script], cwd=tmp_path, check=True, timeout=120)
