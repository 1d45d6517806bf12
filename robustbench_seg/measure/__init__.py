"""The measurement: the plan of a suite, its cells one by one, images through models into counts and times."""
