"""Example agents: one graph per file, offline with a scripted model, real with `--model`."""
