"""Each package installed where there is nothing else, and what it does there."""
