"""Studies: questions about many networks at once, answered with tables, figures and intervals over seeds."""
