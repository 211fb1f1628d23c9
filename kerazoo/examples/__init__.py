"""Short programs that use kerazoo as its users do: `python -m kerazoo.examples.NAME`."""
