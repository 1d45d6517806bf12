"""What the stores of the zoo's suites show: sentences and figures. python -m zoo_study ranking | resolution | speed."""
