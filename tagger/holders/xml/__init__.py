"""XML text that is changed in place: where elements lie, and edits that keep all else."""
