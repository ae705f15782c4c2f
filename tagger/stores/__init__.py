"""Where images lie if not in folders of this machine: in archives, and on other machines."""
