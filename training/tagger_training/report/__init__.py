"""A run's report for people: a page, two tables and two pictures.

matplotlib is imported here, and therefore when a training starts: if it is missing, that should not
become apparent hours later.
"""

from tagger_training.report.data import RunReport, Validation
from tagger_training.report.mistakes import mistaken_images, shown_labels
from tagger_training.report.page import render_page, write_page
from tagger_training.report.pictures import draw_learning_curves, draw_per_label
from tagger_training.report.tables import write_history, write_validation

__all__ = [
    "RunReport",
    "Validation",
    "draw_learning_curves",
    "draw_per_label",
    "mistaken_images",
    "render_page",
    "shown_labels",
    "write_history",
    "write_page",
    "write_validation",
]
