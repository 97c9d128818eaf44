"""Reports: one self-contained HTML file per run, and the figures in it.

    from anamorph.report import figures
    from anamorph.report.page import Page, Section, write_report

    slopes = figures.slopes(slope, spread)
    write_report(Path("report.html"), Page("Iris", sections=(Section("Measurement", figures=(slopes,)),)))

The report carries its plotting library and opens without a network.
"""
