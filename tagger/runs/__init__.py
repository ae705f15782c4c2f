"""What a run notes of itself, so that it can be taken up again where it ended, however it ended.

Beside a table ``NAME`` lie ``NAME.part`` (rows so far), ``NAME.run.journal`` (one short entry an
image), ``NAME.run.json`` (the manifest: which model, which options) and ``NAME.lock``. A run that
writes sidecars alone has journal, manifest and lock in the user's folder for states of programs.
"""
