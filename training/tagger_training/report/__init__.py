"""What a run leaves for people: a page, two tables and two pictures.

matplotlib is imported here, hence when a training starts: were it missing, hours later would be
too late to hear of it.
"""

from tagger_training.report.data import RunReport, Validation
from tagger_training.report.page import render_page, write_page
from tagger_training.report.pictures import draw_learning_curves, draw_per_label
from tagger_training.report.tables import write_history, write_validation

__all__ = [
    "RunReport",
    "Validation",
    "draw_learning_curves",
    "draw_per_label",
    "render_page",
    "write_history",
    "write_page",
    "write_validation",
]
